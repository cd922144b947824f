/**
 * Starts of instances, one caller for each region at a time. EC2 lets an account make 5 StartInstances calls
 * at once and 2 a second, of any size, and start 1,000 instances at once and 2 a second. So the holder of the
 * region's lease starts its own runner alone, and starts that come meanwhile wait for one batch.
 *
 *   startInTurn: lease taken ──────► StartInstances([one]) ──► release, then look: none waits ──► done
 *                     │ lost                                                   │ some wait, lease taken
 *                     ▼                                                        ▼
 *                write entry ──► lease taken ────────────────────► runner-power: runBatches
 *                                     │ lost
 *                                     ▼
 *                                   done: the holder looks after it has released
 *
 * An entry is written before the lease is tried, and the holder releases before it looks: one of them sees
 * the other. An entry is removed once its start has an outcome. After a crash the lease ends, and the
 * reconciler or the region's next start takes the entries up. docs/contributing/decisions/010 has figures.
 */
import { addMs } from '../../../protocol/index.ts';
import type { StartsRequest } from '../../adapters/runners/power-requests.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { whyNotTheirs } from '../../core/runners/instance-owner.ts';
import type { Deps } from '../deps.ts';
import { type BatchDeps, isStartable, refusedBy, type StartDeps, startBatch } from './start-batch.ts';
import { settleStart } from './start-outcome.ts';

/** Time that a batch works before it leaves the rest to the next holder: its function ends after 30 s. */
const batchMs = 20_000;

/** Makes no call for a fleet's runner, as no person chose its instance. */
export const notTheirs = async ({ instances }: Pick<Deps, 'instances'>, runner: RunnerRecord) => {
  const facts = runner.fleet === undefined ? await instances.describe(runner) : undefined;
  return facts && whyNotTheirs(runner, facts);
};

const enqueue = (deps: StartDeps, region: string, runner: RunnerRecord) =>
  deps.starts.put(region, runner, deps.newId('req'));

/** Has the entries of a region started. False: another has the lease, and sees to them. */
const callIfFree = async (deps: StartDeps, region: string, lease: string): Promise<boolean> => {
  const isFree = await deps.starts.takeLease(region, lease);
  if (isFree) await deps.startSoon({ region, lease });
  return isFree;
};

const startAlone = async (deps: StartDeps, region: string, runner: RunnerRecord): Promise<void> => {
  const { instanceId = '' } = runner;
  const code = await notTheirs(deps, runner);
  if (code !== undefined) return settleStart(deps, runner, refusedBy(code));
  const answer = await deps.instances.startAll({ region, instanceIds: [instanceId] });
  if (answer.started) return settleStart(deps, runner, answer);
  if (answer.code === 'throttled') return enqueue(deps, region, runner);
  const { awsCode, detail } = answer;
  await settleStart(deps, runner, answer.atFault.get(instanceId) ?? refusedBy(awsCode, detail));
};

/** Starts the instance of a runner that is `starting`, or leaves it to a batch. Idempotent. */
export const startInTurn = async (deps: StartDeps, runner: RunnerRecord): Promise<void> => {
  const { region = deps.region } = runner;
  const lease = deps.newId('lse');
  if (!(await deps.starts.takeLease(region, lease))) {
    await enqueue(deps, region, runner);
    await callIfFree(deps, region, lease);
    return;
  }
  try {
    await startAlone(deps, region, runner);
  } finally {
    await deps.starts.releaseLease(region, lease);
    await startLeft(deps, region, lease);
  }
};

/** Has the waiting starts of a region started. False: none waits, or another sees to them. */
export const startLeft = async (
  deps: StartDeps,
  region: string,
  lease: string = deps.newId('lse'),
): Promise<boolean> => (await deps.starts.list(region)).length > 0 && callIfFree(deps, region, lease);

/** Regions in which starts may wait. */
export const startRegions = (
  { region: home }: Pick<Deps, 'region'>,
  runners: readonly RunnerRecord[],
): string[] => [...new Set(runners.filter(isStartable).map(({ region = home }) => region))];

/** Starts what waits in a region, batch after batch, as the holder of its lease. */
export const runBatches = async (deps: BatchDeps, { region, lease }: StartsRequest): Promise<void> => {
  const until = addMs(deps.now(), batchMs);
  const hasTurn = async () => deps.now() < until && (await deps.starts.takeLease(region, lease));
  while (await hasTurn()) {
    for (let waiting = await deps.starts.list(region); waiting.length > 0; ) {
      await startBatch(deps, region, waiting, hasTurn);
      if (!(await hasTurn())) return deps.starts.releaseLease(region, lease);
      waiting = await deps.starts.list(region);
    }
    await deps.starts.releaseLease(region, lease);
    if ((await deps.starts.list(region)).length === 0) return;
  }
};
