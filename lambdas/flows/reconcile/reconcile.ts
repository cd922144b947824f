/** Repairs lost work: finds it among the live items, and repeats it. Safe to run in parallel. */

import { fleetsByRegion } from '../../core/fleets/fleets.ts';
import { hasLeftQueue } from '../../core/webhooks/retry-policy.ts';
import { keepPrices, type PriceDeps } from '../costs/refresh-prices.ts';
import type { Deps } from '../deps.ts';
import { endOrphans } from '../fleets/reconcile.ts';
import type { FollowDeps } from '../runners/instance-state.ts';
import { drainImpaired, followForgotten, regionsOf } from '../runners/watch-instances.ts';
import { limitsOf, repairLimit } from '../tasks/repair-limits.ts';
import { beginPass, type Repairs } from './repairs.ts';
import { roomLookup } from './rooms.ts';
import { dropStale, makeAwaitedQueues, reconcileRunner, repairPlaces } from './runners.ts';
import { reconcileTask } from './tasks.ts';

export type ReconcileDeps = FollowDeps &
  PriceDeps &
  Pick<Deps, 'retryWebhook'> & { readonly stackName: string };

export const reconcile = async (deps: ReconcileDeps): Promise<Repairs> => {
  const pass = beginPass(deps.log);
  const { repairs, repaired, each } = pass;
  const runners = await deps.runners.listAwake();
  const tasks = await deps.tasks.listLive();
  const deliveries = await deps.deliveries.listPending();
  await each(runners, idOf, (runner) => makeAwaitedQueues(deps, runner, repaired));
  await each(runners, idOf, (runner) => reconcileRunner(deps, runner, repaired));
  await each(regionsOf(deps, runners), String, (region) => followForgotten(deps, region, runners, pass));
  await each(regionsOf(deps, runners), String, (region) => drainImpaired(deps, region, runners, pass));
  await each(
    fleetsByRegion(deps.fleets),
    ([{ region }]) => region,
    (fleets) => endOrphans(deps, fleets, runners, pass),
  );
  await each(runners, idOf, (runner) => dropStale(deps, runner, tasks, repaired));
  await each(runners, idOf, (runner) => repairPlaces(deps, runner, tasks, repaired));
  const rooms = roomLookup(deps);
  await each(tasks, idOf, (task) => reconcileTask(deps, task, rooms, repaired));
  await each(
    limitsOf(tasks),
    ({ ownerId }) => ownerId,
    (ref) => repairLimit(deps, ref, tasks, pass),
  );
  await each(deliveries, idOf, async (delivery) => {
    if (!hasLeftQueue(delivery, deps.now())) return;
    await deps.retryWebhook(delivery);
    repaired('delivery_sent_again', { deliveryId: delivery.id });
  });
  // Last, as it may wait for a response.
  await each(
    [runners],
    () => 'prices',
    (awake) => keepPrices(deps, awake),
  );
  return repairs;
};

const idOf = ({ id }: { readonly id: string }) => id;
