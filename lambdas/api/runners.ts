/** Routes of runners: a project's own, and the global ones. */
import type { Context } from 'hono';
import * as z from 'zod';
import {
  type Instant,
  longestSpendingMs,
  msBetween,
  type NewRunnerInput,
  projectId,
  type Runner,
  type RunnerInput,
  runnerQuery,
} from '../../protocol/index.ts';
import { publicRunner, type RunnerRecord } from '../adapters/runners.ts';
import type { Pool } from '../adapters/table.ts';
import { isPoweredByStack } from '../core/choice.ts';
import { costWithin } from '../core/cost.ts';
import { type FleetPlan, fleetOf } from '../core/fleets.ts';
import { mayCall } from '../core/permissions.ts';
import { isAwake } from '../core/runner-state.ts';
import { load } from '../core/slots.ts';
import { drainRunner, resumeRunner, sleepRunner, wakeRunner } from '../flows/drain-runner.ts';
import { configureRunner, removeRunner } from '../flows/runner-setup.ts';
import type { ApiDeps, PersonEnv } from './deps.ts';
import { type InsightDeps, sessionsIn } from './insight-data.ts';
import { inputOf, makeFleetRunners, makeRunner, rotateToken } from './new-runner.ts';
import { refuse, refuseFields, refuseUnknown } from './refuse.ts';
import { answer, created, describe, jsonBody, noContent, people, routes } from './route.ts';
import {
  createdFleetRunnersSchema,
  createdRunnerSchema,
  inGlobalRunner,
  inNothing,
  inProject,
  inRunner,
  listedRunnerSchema,
  listOf,
  newRunnerInputSchema,
  rotatedTokenSchema,
  rotationInputSchema,
  runnerInputSchema,
  runnerSchema,
} from './schemas.ts';

interface Place {
  readonly path: string;
  readonly tag: string;
  /** "ProjectRunner", as in operation ids. */
  readonly name: string;
  readonly whose: string;
  readonly params: z.ZodObject;
  readonly itemParams: z.ZodObject;
}

/** Whose runners a path is about. Its parameters are validated before. */
export const poolIn = (params: Readonly<Record<string, string>>): Pool =>
  params.projectId === undefined ? 'global' : projectId.parse(params.projectId);

/** What each runner's instance has cost since then; without an entry where there is none, or no price is known. */
const spentBy = async (
  deps: InsightDeps,
  pool: Pool,
  runners: readonly RunnerRecord[],
  since: Instant,
): Promise<Map<string, { spentMicroUsd: number }>> => {
  const now = deps.now();
  const window = { from: since, to: now };
  const bySession = Map.groupBy(await sessionsIn(deps, pool, runners, window), ({ runnerId }) => runnerId);
  return new Map(
    runners.flatMap(({ id, instanceId }) => {
      const costs = (bySession.get(id) ?? []).map((session) => costWithin(session, window, now));
      if (instanceId === undefined || costs.includes(undefined)) return [];
      return [[id, { spentMicroUsd: costs.reduce<number>((sum, cost = 0) => sum + cost, 0) }] as const];
    }),
  );
};

const refuseTaken = (c: Context, instanceId: string | undefined) =>
  refuse(c, 'instance_taken', `${instanceId} is bound to another runner. Unbind or remove that one first.`);

const refuseFleet = (c: Context, name: string, fleets: readonly FleetPlan[]) =>
  refuse(
    c,
    'invalid_reference',
    fleets.length === 0
      ? 'This stack has no fleets. Add one to cdk.json, and deploy.'
      : `There is no fleet ${name}. There are: ${fleets.map((one) => one.name).join(', ')}.`,
    [{ path: 'fleet', message: 'must be the name of a fleet in cdk.json' }],
  );

const refuseFull = (c: Context, { name, maxInstances }: FleetPlan, used: number, count: number) =>
  refuse(
    c,
    'fleet_full',
    `The fleet ${name} has ${used} of at most ${maxInstances} runners, so ${count} more ${count === 1 ? 'does' : 'do'} not fit. Remove one of its runners, or raise its maxInstances in cdk.json and deploy.`,
  );

/** A runner is of its fleet for good, and the fleet says which instance it has and where. */
const whyNotOfFleet = (before: Runner, { fleet, instanceId, region, webhookUrl }: RunnerInput) => {
  if (fleet !== before.fleet)
    return { path: 'fleet', message: 'must stay as it is: make another runner, and remove this one' };
  if (fleet === undefined) return undefined;
  if (instanceId !== undefined && instanceId !== before.instanceId)
    return { path: 'instanceId', message: 'must not be given: the fleet launches the instance' };
  if (region !== undefined && region !== before.region)
    return { path: 'region', message: 'must not be given: it is that of the fleet' };
  return webhookUrl === undefined
    ? undefined
    : { path: 'webhookUrl', message: 'must not be given: the stack powers the instances of a fleet' };
};

/** While its instance may be on, a runner stays bound to it, or nobody would stop that. */
const rebinds = (before: Runner, { instanceId, region, webhookUrl }: RunnerInput): boolean =>
  before.instanceId !== undefined &&
  (before.instanceId !== instanceId || before.region !== region || before.webhookUrl !== webhookUrl);

const whyNotRemoved = (runner: Runner): string => {
  const tasks = [...new Set([...runner.slots, ...runner.demand])];
  return tasks.length > 0
    ? `Tasks hold it or count on it: ${tasks.join(', ')}. Stop them, or wait until they have ended.`
    : `It is ${runner.status}. Make it inactive and wait until it is stopped or offline.`;
};

const whyNotWoken = (runner: Runner): string => {
  if (!isPoweredByStack(runner))
    return 'The stack does not start and stop its machine. Whoever does can start it.';
  if (runner.quarantinedAt !== undefined)
    return `It is in quarantine: ${runner.fault?.detail ?? 'it did not start'} Then save it as active.`;
  return runner.active
    ? 'It changed just now. Look at it, and try again.'
    : 'It is inactive. Activate it first.';
};

const runnerRoutesAt = (deps: ApiDeps, place: Place) => {
  const { path, name, whose } = place;
  const itemPath = `${path}/{runnerId}`;
  const shared = { tags: [place.tag], security: people };
  const request = { params: place.params };
  const itemRequest = { params: place.itemParams };

  const find = (params: Readonly<Record<string, string>>) =>
    deps.runners.get(poolIn(params), params.runnerId ?? '');
  const isKnown = async (pool: Pool): Promise<boolean> =>
    pool === 'global' || (await deps.projects.get(pool)) !== undefined;
  /** Such a URL may itself be a secret: it is shown to who may set it. */
  const show = (c: Context<PersonEnv>, record: RunnerRecord): Runner => {
    const { webhookUrl, ...shown } = publicRunner(record);
    const maySet = mayCall(c.get('role'), `replace${name}`);
    return { ...shown, ...(maySet && webhookUrl !== undefined && { webhookUrl }) };
  };
  const refuseInput = (
    c: Context,
    pool: Pool,
    { tags = [], webhookUrl }: Pick<NewRunnerInput, 'tags' | 'webhookUrl'>,
  ) => {
    if (pool === 'global' && tags.length > 0) {
      const detail = 'A global runner has no tags: it takes what no project runner takes.';
      return refuse(c, 'invalid_request', detail, [
        { path: 'tags', message: 'must be empty on a global runner' },
      ]);
    }
    const refused = webhookUrl && deps.refuseUrl(webhookUrl);
    return refused
      ? refuse(c, 'invalid_request', `Webhooks cannot go there: ${refused}`, [
          { path: 'webhookUrl', message: 'must be a public address' },
        ])
      : undefined;
  };

  return routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path,
        operationId: `list${name}s`,
        summary: `List ${whose} runners`,
        request: { ...request, query: runnerQuery },
        responses: { 200: answer('The runners, oldest first', listOf(listedRunnerSchema)) },
      }),
      async (c) => {
        const pool = poolIn(c.req.param());
        const { spentSince } = c.req.valid('query');
        if (spentSince !== undefined && msBetween(spentSince, deps.now()) > longestSpendingMs) {
          return refuseFields(c, [{ path: 'spentSince', message: 'must be 31 days ago at most' }]);
        }
        if (!(await isKnown(pool))) return refuseUnknown(c, 'project');
        const runners = await deps.runners.list(pool);
        // A browser's clock may be ahead of ours at midnight: since then nothing was spent.
        const isAhead = spentSince !== undefined && spentSince > deps.now();
        const since = isAhead ? deps.now() : spentSince;
        const spent = since === undefined ? undefined : await spentBy(deps, pool, runners, since);
        const items = runners.map((one) => ({ ...show(c, one), ...spent?.get(one.id) }));
        return c.json({ items }, 200);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path,
          operationId: `create${name}`,
          summary: 'Create a runner, with a token and a private key that are shown only now',
          description:
            "The answer, saved as it is, is the agent's config file. With `fleet`, one runner or several whose instances the fleet launches when there is work: these have no secrets to show.",
          request: { ...request, body: jsonBody(newRunnerInputSchema) },
          responses: {
            201: created(
              'The new runner with its secrets, or the new runners of the fleet',
              z.union([createdRunnerSchema, createdFleetRunnersSchema]),
            ),
          },
        },
        'instance_taken',
        'fleet_full',
        'invalid_reference',
      ),
      async (c) => {
        const pool = poolIn(c.req.param());
        const given = c.req.valid('json');
        if (!(await isKnown(pool))) return refuseUnknown(c, 'project');
        const refused = refuseInput(c, pool, given);
        if (refused) return refused;
        if (given.fleet !== undefined) {
          const fleet = fleetOf(deps.fleets, given);
          if (!fleet) return refuseFleet(c, given.fleet, deps.fleets);
          const made = await makeFleetRunners(deps, pool, given, fleet);
          if (!made.ok) return refuseFull(c, fleet, made.used, given.count);
          const [first] = made.runners;
          return c.json({ items: made.runners }, 201, { location: `${c.req.path}/${first?.id}` });
        }
        const input = inputOf(given, pool);
        const result = await makeRunner(deps, pool, input, deps.makeKeyPair());
        if (!result.ok) return refuseTaken(c, input.instanceId);
        return c.json(result.made, 201, {
          location: `${c.req.path}/${result.made.runner.id}`,
          'cache-control': 'no-store',
        });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: itemPath,
        operationId: `get${name}`,
        summary: 'Get a runner',
        request: itemRequest,
        responses: { 200: answer('The runner', runnerSchema) },
      }),
      async (c) => {
        const found = await find(c.req.param());
        return found ? c.json(show(c, found), 200) : refuseUnknown(c, 'runner');
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'put',
          path: itemPath,
          operationId: `replace${name}`,
          summary: 'Replace what is set of a runner',
          description: 'Its token and keys stay. It is bound to another instance only while it sleeps.',
          request: { ...itemRequest, body: jsonBody(runnerInputSchema) },
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'instance_taken',
        'not_asleep',
      ),
      async (c) => {
        const input = c.req.valid('json');
        const before = await find(c.req.param());
        if (!before) return refuseUnknown(c, 'runner');
        const refused = refuseInput(c, poolIn(c.req.param()), input);
        if (refused) return refused;
        const unfit = whyNotOfFleet(before, input);
        if (unfit) return refuseFields(c, [unfit]);
        if (before.fleet === undefined && isAwake(before.status) && rebinds(before, input)) {
          const detail = `It is ${before.status}. Bind it to another instance or webhook when it is stopped.`;
          return refuse(c, 'not_asleep', detail);
        }
        const result = await configureRunner(deps, before, input);
        if (result.ok) return c.json(publicRunner(result.runner), 200);
        return result.code === 'not_found' ? refuseUnknown(c, 'runner') : refuseTaken(c, input.instanceId);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/drain`,
          operationId: `drain${name}`,
          summary: 'Have a runner take no task any more',
          description:
            'What it holds finishes there or is handed back, as each template says (`onDrain`). It lasts until the runner is resumed or its agent starts again; to keep it out for good, make it inactive.',
          request: itemRequest,
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'asleep',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const draining = await drainRunner(deps, found);
        return draining
          ? c.json(publicRunner(draining), 200)
          : refuse(c, 'asleep', `It is ${found.status} and holds nothing. To keep it so, make it inactive.`);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/sleep`,
          operationId: `sleep${name}`,
          summary: 'Stop the instance of an idle runner now, before its idle timeout',
          description:
            'It is woken again by the next task. To keep it from tasks, drain it or make it inactive.',
          request: itemRequest,
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'in_use',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const asleep = isPoweredByStack(found) ? await sleepRunner(deps, found) : undefined;
        if (asleep) return c.json(publicRunner(asleep), 200);
        const detail = isPoweredByStack(found)
          ? `Only a runner that is online and without tasks can be put to sleep; this one is ${found.status} with ${load(found)} tasks.`
          : 'The stack does not start and stop its machine. Whoever does can stop it.';
        return refuse(c, 'in_use', detail);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/wake`,
          operationId: `wake${name}`,
          summary: 'Start the instance of a runner without a task',
          description:
            'It stays on for its idle timeout once its agent is online. One that is up already stays as it is; one that stops is started again when it has stopped.',
          request: itemRequest,
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'cannot_be_woken',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const woken = await wakeRunner(deps, found);
        return woken ? c.json(publicRunner(woken), 200) : refuse(c, 'cannot_be_woken', whyNotWoken(found));
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path: `${itemPath}/resume`,
        operationId: `resume${name}`,
        summary: 'Have a runner that was asked to drain take tasks again',
        request: itemRequest,
        responses: { 200: answer('The runner as it is now', runnerSchema) },
      }),
      async (c) => {
        const found = await find(c.req.param());
        const resumed = found && (await resumeRunner(deps, found));
        return resumed ? c.json(publicRunner(resumed), 200) : refuseUnknown(c, 'runner');
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/rotate-token`,
          operationId: `rotate${name}Token`,
          summary: 'Give a runner another token',
          description:
            'Without a grace, what holds the token before is shut out within a minute: it can neither claim nor renew a lease. Its private key stays; who has that too is shut out all the same.',
          request: { ...itemRequest, body: jsonBody(rotationInputSchema) },
          responses: { 200: answer('The token', rotatedTokenSchema) },
        },
        'try_later',
      ),
      async (c) => {
        const { graceMs } = c.req.valid('json');
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const token = await rotateToken(deps, found, graceMs);
        return token === undefined
          ? refuse(c, 'try_later', 'Somebody else rotated this token just now. Look before you do it again.')
          : c.json({ token }, 200, { 'cache-control': 'no-store' });
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'delete',
          path: itemPath,
          operationId: `remove${name}`,
          summary: 'Remove a runner that is asleep',
          request: itemRequest,
          responses: { 204: noContent('It is removed; its token is good for nothing') },
        },
        'in_use',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        return (await removeRunner(deps, found))
          ? c.body(null, 204)
          : refuse(c, 'in_use', `The runner cannot be removed. ${whyNotRemoved(found)}`);
      },
    );
};

export const projectRunnerRoutes = (deps: ApiDeps) =>
  runnerRoutesAt(deps, {
    path: '/api/projects/{projectId}/runners',
    tag: 'Runners',
    name: 'ProjectRunner',
    whose: "a project's",
    params: inProject,
    itemParams: inRunner,
  });

export const globalRunnerRoutes = (deps: ApiDeps) =>
  runnerRoutesAt(deps, {
    path: '/api/runners',
    tag: 'Global runners',
    name: 'GlobalRunner',
    whose: 'the global',
    params: inNothing,
    itemParams: inGlobalRunner,
  });
