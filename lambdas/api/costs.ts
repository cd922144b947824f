/** The route of a project's cost report. */
import { addMs, type CostReport, costQuery, type Instant, type ProjectId } from '../../protocol/index.ts';
import { idsBetween } from '../adapters/ids.ts';
import {
  type CostedRunner,
  costReport,
  openSessionFacts,
  priceSession,
  type SessionFacts,
} from '../core/cost.ts';
import type { ApiDeps, PersonEnv } from './deps.ts';
import { refuse, refuseUnknown } from './refuse.ts';
import { answer, describe, people, routes } from './route.ts';
import { costReportSchema, inProject } from './schemas.ts';

const defaultWindowMs = 30 * 86_400_000;

type CostDeps = Pick<ApiDeps, 'runners' | 'sessions' | 'tasks' | 'region' | 'now'>;

/** A runner that was removed: what it spent counts, and nobody knows what it would have cost by now. */
const removedRunner = ({ runnerId, projectId, region, startedAt }: SessionFacts): CostedRunner => ({
  id: runnerId,
  name: 'removed runner',
  region,
  createdAt: startedAt,
  ...(projectId && { projectId }),
});

/** Gathers a window's sessions, over or open, and the tasks that share them. */
export const reportCosts = async (
  deps: CostDeps,
  projectId: ProjectId,
  from: Instant,
  to: Instant,
): Promise<CostReport> => {
  const sessionIds = idsBetween('ses', from, to);
  const taskIds = idsBetween('tsk', from, to);
  const [own, global, ownClosed, globalClosed, tasks] = await Promise.all([
    deps.runners.list(projectId),
    deps.runners.list('global'),
    deps.sessions.listBetween(projectId, sessionIds.from, sessionIds.to),
    deps.sessions.listBetween('global', sessionIds.from, sessionIds.to),
    deps.tasks.listBetween(projectId, taskIds.from, taskIds.to),
  ]);
  const runners = [...own, ...global];
  const open = runners
    .map((runner) => openSessionFacts(runner, deps.region))
    .filter((facts) => facts !== undefined)
    .filter(({ startedAt }) => startedAt >= from && startedAt <= to);
  const sessions = new Map([...open, ...ownClosed, ...globalClosed].map((facts) => [facts.id, facts]));
  const known = new Map<string, CostedRunner>(
    [...sessions.values()].map((facts) => [facts.runnerId, removedRunner(facts)]),
  );
  for (const runner of runners) known.set(runner.id, { ...runner, region: runner.region ?? deps.region });
  const priced = [...sessions.values()].map((facts) => priceSession(facts, deps.now()));
  return costReport({ from, to }, [...known.values()], priced, tasks);
};

export const costRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>().openapi(
    describe({
      tags: ['Costs'],
      security: people,
      method: 'get',
      path: '/api/projects/{projectId}/costs',
      operationId: 'getCosts',
      summary: 'What the instances cost, and what was saved against instances that never sleep',
      description: 'Counts the instance sessions that began in the window. Money is whole micro-dollars.',
      request: { params: inProject, query: costQuery },
      responses: { 200: answer('The report', costReportSchema) },
    }),
    async (c) => {
      const { projectId } = c.req.valid('param');
      const query = c.req.valid('query');
      const to = query.to ?? deps.now();
      const from = query.from ?? addMs(to, -defaultWindowMs);
      if (from > to) {
        return refuse(c, 'invalid_request', 'The window ends before it begins.', [
          { path: 'from', message: 'must not be after "to"' },
        ]);
      }
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      return c.json(await reportCosts(deps, projectId, from, to), 200);
    },
  );
