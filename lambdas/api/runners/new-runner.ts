/** Makes a runner with its credentials, for a person who creates it or a machine that registers. */
import {
  addMs,
  type CreatedRunner,
  type NewRunnerInput,
  type Runner,
  type RunnerId,
  type RunnerInput,
  runnerInput,
} from '../../../protocol/index.ts';
import { NameTaken } from '../../adapters/resources/names.ts';
import { formatToken, hashSecret, makeSecret } from '../../adapters/runners/registration-tokens.ts';
import { poolOf, publicRunner, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { Pool } from '../../adapters/table.ts';
import type { FleetPlan } from '../../core/fleets/fleets.ts';
import { createRunner, removeRunner, type SetupResult } from '../../flows/runners/runner-setup.ts';
import type { ApiDeps } from '../deps.ts';

/**
 * Standard Webhooks requires 24 to 64 bytes (https://github.com/standard-webhooks/standard-webhooks,
 * "Signature scheme").
 */
const webhookSecretBytes = 32;

const makeWebhookSecret = ({ randomBytes }: Pick<ApiDeps, 'randomBytes'>): string =>
  `whsec_${randomBytes(webhookSecretBytes).toString('base64')}`;

type Refused = Extract<SetupResult, { ok: false }>;
export type NewRunnerResult = { readonly ok: true; readonly made: CreatedRunner } | Refused;

/** The longest name, shortened to leave room for the end of an id behind it. */
const longestStem = 113;

/** Takes a name for a machine, which cannot choose: a taken name gets the end of the runner's id. */
const takeSomeName = async (
  { names }: Pick<ApiDeps, 'names'>,
  pool: Pool,
  wanted: string,
  id: RunnerId,
): Promise<string> => {
  try {
    await names.take(pool, 'run', wanted, id);
    return wanted;
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error;
    const name = `${wanted.slice(0, longestStem)}-${id.slice(-6).toLowerCase()}`;
    await names.take(pool, 'run', name, id);
    return name;
  }
};

/** Stores the runner under a name that it has taken; the name is freed when that fails. */
const createNamed = async (
  deps: ApiDeps,
  pool: Pool,
  input: RunnerInput,
  made: Omit<Parameters<typeof createRunner>[2], 'projectId'>,
): Promise<SetupResult> => {
  const result = await createRunner(deps, input, {
    ...made,
    projectId: pool === 'global' ? undefined : pool,
  });
  if (!result.ok) await deps.names.free(pool, 'run', input.name, made.id);
  return result;
};

/** Stores the runner and returns its secrets; only hashes and public halves are stored. */
export const makeRunner = async (
  deps: ApiDeps,
  pool: Pool,
  input: RunnerInput,
  keyPair: { publicKey: string; privateKey?: string },
  {
    isMachine = false,
    ...more
  }: Pick<RunnerRecord, 'instanceNamedBy'> & { readonly isMachine?: boolean } = {},
): Promise<NewRunnerResult> => {
  const id = deps.newId('run');
  const secret = makeSecret(deps.randomBytes);
  const webhookSecret = makeWebhookSecret(deps);
  if (!isMachine) await deps.names.take(pool, 'run', input.name, id);
  const name = isMachine ? await takeSomeName(deps, pool, input.name, id) : input.name;
  const result = await createNamed(
    deps,
    pool,
    { ...input, name },
    {
      id,
      publicKey: keyPair.publicKey,
      tokenHash: hashSecret(secret),
      webhookSecret,
      ...more,
    },
  );
  if (!result.ok) return result;
  return {
    ok: true,
    made: {
      apiUrl: deps.apiUrl,
      token: formatToken(pool, id, secret),
      webhookSecret,
      runner: publicRunner(result.runner),
      privateKey: keyPair.privateKey,
    },
  };
};

/** Settings of a new runner by its owner; the others have their defaults, or the fleet's. */
export const inputOf = (
  { count: _, tags, idleTimeoutMs, ...rest }: NewRunnerInput,
  pool: Pool,
  fleet?: FleetPlan,
): RunnerInput => {
  // A global runner has no tags.
  const ofFleet = pool === 'global' ? [] : fleet?.tags;
  return runnerInput.parse({
    ...rest,
    tags: tags ?? ofFleet,
    idleTimeoutMs: idleTimeoutMs ?? fleet?.idleTimeoutMs,
  });
};

export type FleetRunnersResult =
  | { readonly ok: true; readonly runners: Runner[] }
  | { readonly ok: false; readonly used: number };

/** Makes all the requested runners of a fleet, or none. Their enrolment gives them credentials. */
export const makeFleetRunners = async (
  deps: ApiDeps,
  pool: Pool,
  given: NewRunnerInput,
  fleet: FleetPlan,
): Promise<FleetRunnersResult> => {
  const ids = Array.from({ length: given.count }, () => deps.newId('run'));
  if (!(await deps.fleetPlaces.take(fleet.name, pool, ids, fleet.maxInstances)))
    return { ok: false, used: (await deps.fleetPlaces.names(fleet.name)).size };
  const input = { ...inputOf(given, pool, fleet), region: fleet.region };
  const runners: Runner[] = [];
  for (const [index, id] of ids.entries()) {
    const wanted = ids.length === 1 ? input.name : `${input.name}-${index + 1}`;
    const name = await takeSomeName(deps, pool, wanted, id);
    const secrets = { publicKey: '', tokenHash: '', webhookSecret: makeWebhookSecret(deps) };
    const result = await createNamed(deps, pool, { ...input, name }, { id, ...secrets });
    if (result.ok) runners.push(publicRunner(result.runner));
  }
  return { ok: true, runners };
};

/** Removes a runner that is asleep and holds no task, and frees its name. Otherwise returns false. */
export const removeNamed = async (deps: ApiDeps, runner: RunnerRecord): Promise<boolean> => {
  if (!(await removeRunner(deps, runner))) return false;
  await deps.names.free(poolOf(runner), 'run', runner.name, runner.id);
  return true;
};

/**
 * Rotates a runner's token; undefined after a concurrent change. Without grace the old token stops at once.
 */
export const rotateToken = async (
  deps: ApiDeps,
  runner: RunnerRecord,
  graceMs: number,
): Promise<string | undefined> => {
  const secret = makeSecret(deps.randomBytes);
  const hash = hashSecret(secret);
  const rotated =
    graceMs === 0
      ? await deps.runners.revokeToken(runner, hash)
      : await deps.runners.rotateToken(runner, hash, addMs(deps.now(), graceMs));
  return rotated && formatToken(poolOf(runner), runner.id, secret);
};
