/** Route of a project's cost report. */
import * as endpoints from '../../../protocol/endpoints/costs.ts';
import { addMs, type CostReport, type Instant, type ProjectId } from '../../../protocol/index.ts';
import { idsBetween } from '../../adapters/ids.ts';
import type { SessionFacts } from '../../core/costs/cost.ts';
import { type CostedRunner, costReport } from '../../core/costs/cost-report.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { type HistoryDeps, reachBackMs, sessionsIn } from './history-data.ts';

const defaultWindowMs = 30 * 86_400_000;

/** Stands for a removed runner: its spending counts, but its cost without Reveille is unknown. */
const removedRunner = ({ runnerId, projectId, region, startedAt }: SessionFacts): CostedRunner => ({
  id: runnerId,
  name: 'removed runner',
  region,
  createdAt: startedAt,
  projectId,
});

/** Gathers the sessions and tasks of a window in the past, and the tasks that share those sessions. */
export const reportCosts = async (
  deps: HistoryDeps,
  projectId: ProjectId,
  from: Instant,
  to: Instant,
): Promise<CostReport> => {
  const window = { from, to };
  const taskIds = idsBetween('tsk', addMs(from, -reachBackMs), to);
  const [own, global, tasks, prices] = await Promise.all([
    deps.runners.list(projectId),
    deps.runners.list('global'),
    deps.tasks.listBetween(projectId, taskIds.from, taskIds.to),
    deps.prices.read(),
  ]);
  const [ownSessions, globalSessions] = await Promise.all([
    sessionsIn(deps, projectId, own, window),
    sessionsIn(deps, 'global', global, window),
  ]);
  const sessions = [...ownSessions, ...globalSessions];
  const known = new Map<string, CostedRunner>(
    sessions.map((facts) => [facts.runnerId, removedRunner(facts)]),
  );
  for (const runner of [...own, ...global])
    known.set(runner.id, { ...runner, region: runner.region ?? deps.region });
  return costReport(window, [...known.values()], sessions, tasks, prices, deps.now());
};

export const costRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>().openapi(routeOf(endpoints.getCosts), async (c) => {
    const { projectId } = c.req.valid('param');
    const query = c.req.valid('query');
    const now = deps.now();
    const to = query.to !== undefined && query.to < now ? query.to : now;
    const from = query.from ?? addMs(to, -defaultWindowMs);
    if (from > to) {
      return refuse(c, 'invalid_request', 'The window ends before it begins.', [
        { path: 'from', message: 'must not be after "to", nor in the future' },
      ]);
    }
    if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
    return c.json(await reportCosts(deps, projectId, from, to), 200);
  });
