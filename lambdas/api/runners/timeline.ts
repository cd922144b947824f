import type { Context } from 'hono';
import type { RunnerEndpoints } from '../../../protocol/endpoints/runners.ts';
import {
  addMs,
  type Instant,
  longestTimelineMs,
  msBetween,
  type Timeline,
  timelineQuery,
  toInstant,
} from '../../../protocol/index.ts';
import { poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { bandsOf, clip, spanOf } from '../../core/costs/usage.ts';
import { type HistoryDeps, runOf, runsOf, sessionsIn, tasksIn } from '../costs/history-data.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseFields, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { poolIn } from './scope.ts';

const defaultWindowMs = 86_400_000;

type TimelineDeps = HistoryDeps & Pick<ApiDeps, 'projects'>;

/** Tasks of a runner; those of a global runner are from any project. */
const tasksOf = async (deps: TimelineDeps, runner: RunnerRecord, window: { from: Instant; to: Instant }) => {
  const projectIds = runner.projectId ? [runner.projectId] : (await deps.projects.list()).map(({ id }) => id);
  const read = await Promise.all(projectIds.map((id) => tasksIn(deps, id, window)));
  return {
    tasks: read.flatMap(({ tasks }) => tasks).filter(({ runnerId }) => runnerId === runner.id),
    isPartial: read.some(({ isPartial }) => isPartial),
  };
};

const readTimeline = async (
  deps: TimelineDeps,
  runner: RunnerRecord,
  window: { from: Instant; to: Instant },
): Promise<Timeline> => {
  const [sessions, { tasks, isPartial }] = await Promise.all([
    sessionsIn(deps, poolOf(runner), [runner], window),
    tasksOf(deps, runner, window),
  ]);
  const now = deps.now();
  const bounds = spanOf(window.from, window.to);
  const own = sessions.filter(({ runnerId }) => runnerId === runner.id);
  return {
    runnerId: runner.id,
    ...window,
    bands: bandsOf(own, runsOf(tasks, runner.id, now), bounds, now),
    tasks: tasks.flatMap((task) => {
      const run = runOf(task, now);
      return clip(run ? [run] : [], bounds).map(({ from, to }) => ({
        id: task.id,
        templateName: task.templateName,
        status: task.status,
        from: toInstant(from),
        to: toInstant(to),
      }));
    }),
    isPartial,
  };
};

export const timelineRoutes = (deps: TimelineDeps, endpoints: RunnerEndpoints) =>
  routes<PersonEnv>().openapi(routeOf(endpoints.timeline), async (c: Context<PersonEnv>) => {
    const query = timelineQuery.parse(c.req.query());
    const now = deps.now();
    const to = query.to !== undefined && query.to < now ? query.to : now;
    const from = query.from ?? addMs(to, -defaultWindowMs);
    const length = msBetween(from, to);
    if (length <= 0 || length > longestTimelineMs) {
      return refuseFields(c, [
        { path: 'from', message: 'must be before "to", and 7 days before it at most' },
      ]);
    }
    const runner = await deps.runners.get(poolIn(c.req.param()), c.req.param('runnerId') ?? '');
    if (!runner) return refuseUnknown(c, 'runner');
    return c.json(await readTimeline(deps, runner, { from, to }), 200);
  });
