/** Making a runner with its credentials, as a person creates it or a machine registers it. */
import {
  addMs,
  type CreatedRunner,
  type NewRunnerInput,
  type Runner,
  type RunnerInput,
  runnerInput,
} from '../../protocol/index.ts';
import { poolOf, publicRunner, type RunnerRecord } from '../adapters/runner-record.ts';
import type { Pool } from '../adapters/table.ts';
import { formatToken, hashSecret, makeSecret } from '../adapters/tokens.ts';
import type { FleetPlan } from '../core/fleets.ts';
import { createRunner, type SetupResult } from '../flows/runner-setup.ts';
import type { ApiDeps } from './deps.ts';

/** Standard Webhooks asks for 24 to 64 bytes (https://github.com/standard-webhooks/standard-webhooks, "Signature scheme"). */
const webhookSecretBytes = 32;

const makeWebhookSecret = ({ randomBytes }: Pick<ApiDeps, 'randomBytes'>): string =>
  `whsec_${randomBytes(webhookSecretBytes).toString('base64')}`;

type Refused = Extract<SetupResult, { ok: false }>;
export type NewRunnerResult = { readonly ok: true; readonly made: CreatedRunner } | Refused;

/** Stores the runner and answers with its secrets, of which only hashes and public halves stay here. */
export const makeRunner = async (
  deps: ApiDeps,
  pool: Pool,
  input: RunnerInput,
  keyPair: { publicKey: string; privateKey?: string },
  more: Pick<RunnerRecord, 'instanceNamedBy'> = {},
): Promise<NewRunnerResult> => {
  const id = deps.newId('run');
  const secret = makeSecret(deps.randomBytes);
  const webhookSecret = makeWebhookSecret(deps);
  const result = await createRunner(deps, input, {
    id,
    publicKey: keyPair.publicKey,
    tokenHash: hashSecret(secret),
    webhookSecret,
    ...more,
    ...(pool !== 'global' && { projectId: pool }),
  });
  if (!result.ok) return result;
  return {
    ok: true,
    made: {
      apiUrl: deps.apiUrl,
      token: formatToken(pool, id, secret),
      webhookSecret,
      runner: publicRunner(result.runner),
      ...(keyPair.privateKey !== undefined && { privateKey: keyPair.privateKey }),
    },
  };
};

/** What a runner's owner may set of a new one; what is not given has its default, and for a runner of a fleet the fleet's. */
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

/** Makes runners of a fleet, all that were asked for or none. They have no credentials until their instances enrol. */
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
    const name = ids.length === 1 ? input.name : `${input.name}-${index + 1}`;
    const result = await createRunner(
      deps,
      { ...input, name },
      {
        id,
        publicKey: '',
        tokenHash: '',
        webhookSecret: makeWebhookSecret(deps),
        ...(pool !== 'global' && { projectId: pool }),
      },
    );
    if (result.ok) runners.push(publicRunner(result.runner));
  }
  return { ok: true, runners };
};

/** Another token for a runner; undefined when it changed meanwhile. Without a grace, whoever holds the one before is shut out. */
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
