/** One batch of starts: what waits in a region, by as few StartInstances calls as EC2's answers allow. */
import { isPoweredByStack, isWanted } from '../../../protocol/index.ts';
import type { InstanceFacts } from '../../adapters/runners/instance-facts.ts';
import { fullIdOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { StartAllOutcome, StartOutcome } from '../../adapters/runners/start-instances.ts';
import type { WaitingStart } from '../../adapters/runners/start-queue.ts';
import { whyNotTheirs } from '../../core/runners/instance-owner.ts';
import {
  afterFault,
  afterThrottle,
  inOrder,
  isShortage,
  type Piece,
  type Start,
  without,
} from '../../core/runners/start-pieces.ts';
import type { Deps } from '../deps.ts';
import type { LaunchDeps } from '../fleets/launch.ts';
import { settleStart } from './start-outcome.ts';

export type StartDeps = LaunchDeps & Pick<Deps, 'starts' | 'startSoon' | 'region'>;
export type BatchDeps = StartDeps & Pick<Deps, 'pause'>;

/** Pause after a throttled call: EC2 lets two more calls pass. */
const throttledMs = 1000;

/** Entries removed at once. */
const removedAtOnce = 25;

/** True when the runner may be started now. */
export const isStartable = (runner: RunnerRecord): boolean =>
  isPoweredByStack(runner) &&
  runner.status === 'starting' &&
  isWanted(runner) &&
  runner.quarantinedAt === undefined;

export const refusedBy = (awsCode: string, detail = awsCode): StartOutcome => ({
  started: false,
  code: 'refused',
  awsCode,
  detail,
});

/** A start of a batch: its entry and its runner. */
interface Waiting extends Start {
  readonly entry: WaitingStart;
  readonly runner: RunnerRecord;
}

interface Settled {
  readonly start: Omit<Waiting, 'kind'>;
  readonly outcome: StartOutcome;
}

/** Starts what the entries ask for, and removes each entry once its start has an outcome. */
export const startBatch = async (
  deps: BatchDeps,
  region: string,
  entries: readonly WaitingStart[],
  hasTurn: () => Promise<boolean>,
): Promise<void> => {
  const open = await readOpen(deps, entries);
  const isOpen = new Set(open.map(({ entry }) => entry.sk));
  await removeAll(
    deps,
    region,
    entries.filter(({ sk }) => !isOpen.has(sk)),
  );
  const settle = async (settled: readonly Settled[]) => {
    for (const { start, outcome } of settled) await settleSafely(deps, start.runner, outcome);
    await removeAll(
      deps,
      region,
      settled.map(({ start }) => start.entry),
    );
  };

  const instanceIds = open.map(({ instanceId }) => instanceId);
  const described = await deps.instances.describeAll({ region, instanceIds });
  const facts = new Map(described.map((one) => [one.instanceId, one]));
  const [settled, left] = sortOut(open, facts);
  await settle(settled);
  for (let pieces = piecesOf(left); pieces.length > 0 && (await hasTurn()); ) {
    const [piece = [], ...rest] = pieces;
    const answer = await deps.instances.startAll({ region, instanceIds: piece.map((one) => one.instanceId) });
    const after = afterAnswer(piece, rest, answer);
    await settle(after.settled);
    pieces = after.pieces;
    if (!answer.started && answer.code === 'throttled') await deps.pause(throttledMs);
  }
};

/** Reads the runners of the entries, and returns those that may be started now. */
const readOpen = async (deps: StartDeps, entries: readonly WaitingStart[]) => {
  const runners = await deps.runners.getAll(entries.map(({ sk }) => sk));
  const startable = new Map(runners.filter(isStartable).map((runner) => [fullIdOf(runner), runner]));
  return entries.flatMap((entry): Settled['start'][] => {
    const runner = startable.get(entry.sk);
    return runner?.instanceId === undefined ? [] : [{ entry, runner, instanceId: runner.instanceId }];
  });
};

type Facts = ReadonlyMap<string, InstanceFacts>;

/** Separates the starts that have an outcome without a call. */
const sortOut = (open: readonly Settled['start'][], facts: Facts): [Settled[], Waiting[]] => {
  const settled: Settled[] = [];
  const left: Waiting[] = [];
  for (const start of open) {
    const known = facts.get(start.instanceId);
    const outcome = withoutCall(start.runner, known);
    if (outcome) settled.push({ start, outcome });
    else left.push({ ...start, kind: kindOf(known) });
  }
  return [settled, left];
};

/** Outcome of a start for which no call is made. */
const withoutCall = (runner: RunnerRecord, facts: InstanceFacts | undefined): StartOutcome | undefined => {
  const code = facts && whyNotTheirs(runner, facts);
  if (code !== undefined) return refusedBy(code);
  return facts?.state === 'stopping' ? { started: false, code: 'still_stopping' } : undefined;
};

/** Type and zone. Empty for an instance that is gone, or that EC2 does not show: it is started by itself. */
const kindOf = (facts: InstanceFacts | undefined): string =>
  facts === undefined || facts.state === 'shutting-down' || facts.state === 'terminated'
    ? ''
    : `${facts.instanceType} ${facts.zone}`;

/** All that EC2 knows in one piece. What it does not show is started by itself, as it fails a whole call. */
const piecesOf = (starts: readonly Waiting[]): readonly Piece<Waiting>[] => {
  const known = inOrder(starts.filter(({ kind }) => kind !== ''));
  const unknown = starts.filter(({ kind }) => kind === '').map((start) => [start]);
  return known.length > 0 ? [known, ...unknown] : unknown;
};

/** Returns what a call has settled, and the pieces that are left. */
const afterAnswer = (
  piece: Piece<Waiting>,
  rest: readonly Piece<Waiting>[],
  answer: StartAllOutcome,
): { readonly settled: readonly Settled[]; readonly pieces: readonly Piece<Waiting>[] } => {
  if (answer.started) return { settled: piece.map((start) => ({ start, outcome: answer })), pieces: rest };
  if (answer.code === 'throttled') return { settled: [], pieces: afterThrottle(piece, rest) };
  const { awsCode, detail, atFault } = answer;
  if (atFault.size === 0) return { settled: [], pieces: afterFault(piece, rest, awsCode) };
  const isFull = piece.length === 1 && isShortage(awsCode);
  const outcomeOf = ({ instanceId, kind }: Waiting): StartOutcome | undefined =>
    atFault.get(instanceId) ?? (isFull && kind === piece[0]?.kind ? refusedBy(awsCode, detail) : undefined);
  const settled = [piece, ...rest].flat().flatMap((start) => {
    const outcome = outcomeOf(start);
    return outcome === undefined ? [] : [{ start, outcome }];
  });
  return { settled, pieces: without([piece, ...rest], (start) => outcomeOf(start) !== undefined) };
};

/** One start that cannot be settled stops no other: the reconciler looks after its runner. */
const settleSafely = async (deps: StartDeps, runner: RunnerRecord, outcome: StartOutcome): Promise<void> => {
  try {
    await settleStart(deps, runner, outcome);
  } catch (error) {
    deps.log.error('Could not settle a start', { runnerId: runner.id, error: String(error) });
  }
};

const removeAll = async (
  deps: StartDeps,
  region: string,
  entries: readonly WaitingStart[],
): Promise<void> => {
  for (let from = 0; from < entries.length; from += removedAtOnce) {
    const some = entries.slice(from, from + removedAtOnce);
    await Promise.all(some.map((entry) => deps.starts.remove(region, entry)));
  }
};
