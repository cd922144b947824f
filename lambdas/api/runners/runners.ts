import type { Context } from 'hono';
import type { RunnerEndpoints } from '../../../protocol/endpoints/runners.ts';
import {
  longestSpendingMs,
  msBetween,
  type NewRunnerInput,
  type Runner,
  runnerId,
} from '../../../protocol/index.ts';
import { poolOf, publicRunner, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { Pool } from '../../adapters/table.ts';
import { fleetOf } from '../../core/fleets/fleets.ts';
import { isFound } from '../../core/mentions.ts';
import { mayCall } from '../../core/people/permissions.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import { configureRunner } from '../../flows/runners/runner-setup.ts';
import { spentBy } from '../costs/history-data.ts';
import { fromCursor } from '../cursor.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { pageOf } from '../pages.ts';
import { refuse, refuseCursor, refuseFields, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { inputOf, makeFleetRunners, makeRunner, removeNamed } from './new-runner.ts';
import { rebinds, refuseFleet, refuseFull, refuseTaken, whyNotOfFleet, whyNotRemoved } from './refusals.ts';
import { poolIn } from './scope.ts';

export const runnerRoutes = (deps: ApiDeps, endpoints: RunnerEndpoints) => {
  const find = (params: Readonly<Record<string, string>>) =>
    deps.runners.get(poolIn(params), params.runnerId ?? '');
  const isKnown = async (pool: Pool): Promise<boolean> =>
    pool === 'global' || (await deps.projects.get(pool)) !== undefined;
  /** The URL may itself be a secret, so only those who may set it can see it. */
  const show = (c: Context<PersonEnv>, record: RunnerRecord): Runner => {
    const { webhookUrl, ...shown } = publicRunner(record);
    const maySet = mayCall(c.get('role'), endpoints.replace);
    return { ...shown, webhookUrl: maySet ? webhookUrl : undefined };
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
      ? refuse(c, 'invalid_request', `Webhooks cannot be sent to this URL: ${refused}`, [
          { path: 'webhookUrl', message: 'must be a public address' },
        ])
      : undefined;
  };

  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.list), async (c) => {
      const pool = poolIn(c.req.param());
      const { limit, cursor, search, status, tag, spentSince } = c.req.valid('query');
      const after = cursor === undefined ? undefined : fromCursor(pool, cursor, runnerId);
      if (cursor !== undefined && !after) return refuseCursor(c);
      if (spentSince !== undefined && msBetween(spentSince, deps.now()) > longestSpendingMs) {
        return refuseFields(c, [{ path: 'spentSince', message: 'must be 31 days ago at most' }]);
      }
      if (!(await isKnown(pool))) return refuseUnknown(c, 'project');
      const isFiltered = [search, status, tag].some((one) => one !== undefined);
      const isMatch = (one: RunnerRecord): boolean =>
        (status === undefined || one.status === status) &&
        (tag === undefined || one.tags.includes(tag)) &&
        isFound(one, search);
      const found = await deps.runners.page(pool, {
        limit,
        after,
        matches: isFiltered ? isMatch : undefined,
      });
      // A browser's clock may be ahead of ours at midnight: nothing has been spent since a future moment.
      const isAhead = spentSince !== undefined && spentSince > deps.now();
      const since = isAhead ? deps.now() : spentSince;
      const spent = since === undefined ? undefined : await spentBy(deps, pool, found.items, since);
      const items = found.items.map((one) => ({ ...show(c, one), ...spent?.get(one.id) }));
      return c.json(pageOf(pool, { ...found, items }), 200);
    })
    .openapi(routeOf(endpoints.create), async (c) => {
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
      });
    })
    .openapi(routeOf(endpoints.get), async (c) => {
      const found = await find(c.req.param());
      return found ? c.json(show(c, found), 200) : refuseUnknown(c, 'runner');
    })
    .openapi(routeOf(endpoints.replace), async (c) => {
      const input = c.req.valid('json');
      const before = await find(c.req.param());
      if (!before) return refuseUnknown(c, 'runner');
      const refused = refuseInput(c, poolIn(c.req.param()), input);
      if (refused) return refused;
      const unfit = whyNotOfFleet(before, input);
      if (unfit) return refuseFields(c, [unfit]);
      if (before.fleet === undefined && isAwake(before.status) && rebinds(before, input)) {
        const detail = `The runner is ${before.status}. Wait until it is stopped, then bind it to another instance or webhook.`;
        return refuse(c, 'not_asleep', detail);
      }
      const pool = poolOf(before);
      await deps.names.take(pool, 'run', input.name, before.id);
      const result = await configureRunner(deps, before, input);
      if (result.ok) {
        if (before.name !== input.name) await deps.names.free(pool, 'run', before.name, before.id);
        return c.json(publicRunner(result.runner), 200);
      }
      if (before.name !== input.name) await deps.names.free(pool, 'run', input.name, before.id);
      return result.code === 'not_found' ? refuseUnknown(c, 'runner') : refuseTaken(c, input.instanceId);
    })
    .openapi(routeOf(endpoints.remove), async (c) => {
      const found = await find(c.req.param());
      if (!found) return refuseUnknown(c, 'runner');
      return (await removeNamed(deps, found))
        ? c.body(null, 204)
        : refuse(c, 'in_use', `The runner cannot be removed. ${whyNotRemoved(found)}`);
    });
};
