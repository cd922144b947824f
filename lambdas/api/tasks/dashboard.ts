/** Routes of forecasts and history: routing, a task's timeline, the dashboard. */
import * as endpoints from '../../../protocol/endpoints/dashboard.ts';
import { addMs, type Dashboard, type LiveTasks, msBetween, type ProjectId } from '../../../protocol/index.ts';
import { poolOf, publicRunner } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { openSessionFacts } from '../../core/costs/cost.ts';
import { type Day, daysOf, median, spanOf } from '../../core/costs/usage.ts';
import { explainRoute } from '../../core/tasks/explain-route.ts';
import { inOrder } from '../../core/tasks/order.ts';
import { resolveTag } from '../../core/tasks/routing.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import { taskTimelineOf } from '../../core/tasks/task-timeline.ts';
import { reportCosts } from '../costs/costs.ts';
import { maxTasks } from '../costs/history-data.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseReferences, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { runnersOf, showTasks } from './view.ts';

const dayMs = 86_400_000;
const failuresShown = 10;

/** Returns the session in which a task ran, or the open session of the runner that wakes for it. */
const sessionOf = async (deps: ApiDeps, task: TaskRecord) => {
  const runner = task.runnerId && (await deps.runners.find(task.projectId, task.runnerId));
  if (!runner) return {};
  const open = openSessionFacts(runner, deps.region);
  const { claimedAt } = task;
  const session =
    claimedAt === undefined || (open && open.startedAt <= claimedAt)
      ? open
      : await deps.sessions.lastStartedBefore(poolOf(runner), runner.id, claimedAt);
  return { runnerName: runner.name, session };
};

const startDeliveryOf = async (deps: ApiDeps, { id, projectId, attempt, runnerId }: TaskRecord) => {
  const prefix = `${id.replace('tsk_', 'msg_')}_${attempt}_start_`;
  const { items } = await deps.deliveries.list(projectId, prefix, { limit: 10 });
  return items.find((one) => one.runnerId === runnerId) ?? items[0];
};

const dayOf = (tasks: readonly TaskRecord[], day: Day): Dashboard['days'][number] => {
  const ended = tasks.filter(({ finishedAt }) => {
    const at = finishedAt === undefined ? undefined : Date.parse(finishedAt);
    return at !== undefined && at >= day.from && at < day.to;
  });
  const count = (status: TaskRecord['status']) => ended.filter((task) => task.status === status).length;
  const medianRunMs = median(
    ended.flatMap(({ claimedAt, finishedAt }) =>
      claimedAt && finishedAt ? [Math.max(0, msBetween(claimedAt, finishedAt))] : [],
    ),
  );
  const medianWaitMs = median(
    ended.flatMap(({ createdAt, claimedAt }) =>
      claimedAt ? [Math.max(0, msBetween(createdAt, claimedAt))] : [],
    ),
  );
  return {
    day: day.day,
    succeeded: count('success'),
    failed: count('error'),
    stopped: count('stopped'),
    medianRunMs,
    medianWaitMs,
  };
};

const listed = ({ hosts: _hosts, ...task }: Awaited<ReturnType<typeof showTasks>>[number]) => task;

const liveShown = 20;
const awakeShown = 8;

const readLiveTasks = async (deps: ApiDeps, projectId: ProjectId): Promise<LiveTasks> => {
  const [{ tasks, ...counts }, awake] = await Promise.all([
    deps.tasks.glanceAt(projectId, liveShown),
    deps.runners.glanceAt(projectId, awakeShown),
  ]);
  const live = tasks.filter(({ status }) => !hasEnded(status)).sort(inOrder);
  const shown = (await showTasks(deps, projectId, live, await runnersOf(deps, live))).map(listed);
  return {
    running: shown.filter(({ status }) => status !== 'waiting').sort((a, b) => (a.id < b.id ? 1 : -1)),
    waiting: shown.filter(({ status }) => status === 'waiting'),
    counts,
    awake: {
      count: awake.count,
      first: awake.first.map((record) => ({ ...publicRunner(record), webhookUrl: undefined })),
    },
  };
};

const readDashboard = async (
  deps: ApiDeps,
  projectId: ProjectId,
  { days, utcOffsetMinutes }: { days: number; utcOffsetMinutes: number },
): Promise<Dashboard> => {
  const to = deps.now();
  const from = addMs(to, -days * dayMs);
  const [{ tasks, isPartial }, costs] = await Promise.all([
    deps.tasks.listNewest(projectId, from, to, maxTasks),
    reportCosts(deps, projectId, from, to),
  ]);
  const failed = tasks.filter(({ status }) => status === 'error').slice(0, failuresShown);
  return {
    from,
    to,
    failures: (await showTasks(deps, projectId, failed, await runnersOf(deps, failed))).map(listed),
    days: daysOf(spanOf(from, to), utcOffsetMinutes).map((day) => dayOf(tasks, day)),
    spentMicroUsd: costs.spentMicroUsd,
    alwaysOnMicroUsd: costs.alwaysOnMicroUsd,
    savedMicroUsd: costs.savedMicroUsd,
    unpriced: costs.unpriced,
    isPartial,
  };
};

export const dashboardRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.getRouting), async (c) => {
      const { projectId } = c.req.valid('param');
      const query = c.req.valid('query');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      const template = query.templateId && (await deps.readTemplate(projectId, query.templateId));
      if (query.templateId !== undefined && !template) {
        return refuseReferences(c, [{ path: 'templateId', message: 'is not in this project' }]);
      }
      const wanted = template || query;
      const inventory = wanted.inventoryId && (await deps.readInventory(projectId, wanted.inventoryId));
      if (wanted.inventoryId !== undefined && !inventory) {
        return refuseReferences(c, [{ path: 'inventoryId', message: 'is not in this project' }]);
      }
      const tag = resolveTag(wanted, inventory || undefined);
      const [own, global] = await Promise.all([deps.runners.list(projectId), deps.runners.list('global')]);
      return c.json(explainRoute({ projectId, tag }, own, global), 200);
    })
    .openapi(routeOf(endpoints.getTrip), async (c) => {
      const { projectId, taskId } = c.req.valid('param');
      const task = await deps.tasks.get(projectId, taskId);
      if (!task) return refuseUnknown(c, 'task');
      const [startDelivery, session] = await Promise.all([
        startDeliveryOf(deps, task),
        sessionOf(deps, task),
      ]);
      return c.json(taskTimelineOf({ task, ...session, startDelivery }), 200);
    })
    .openapi(routeOf(endpoints.getLiveTasks), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      return c.json(await readLiveTasks(deps, projectId), 200);
    })
    .openapi(routeOf(endpoints.getDashboard), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      return c.json(await readDashboard(deps, projectId, c.req.valid('query')), 200);
    });
