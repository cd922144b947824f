/** Making a runner with its credentials, as a person creates it or a machine registers it. */
import { addMs, type CreatedRunner, type RunnerInput } from '../../protocol/index.ts';
import { poolOf, publicRunner, type RunnerRecord } from '../adapters/runners.ts';
import type { Pool } from '../adapters/table.ts';
import { formatToken, hashSecret, makeSecret } from '../adapters/tokens.ts';
import { createRunner, type SetupResult } from '../flows/runner-setup.ts';
import type { ApiDeps } from './deps.ts';

/** Standard Webhooks asks for 24 to 64 bytes (https://github.com/standard-webhooks/standard-webhooks, "Signature scheme"). */
const webhookSecretBytes = 32;

type Refused = Extract<SetupResult, { ok: false }>;
export type NewRunnerResult = { readonly ok: true; readonly made: CreatedRunner } | Refused;

/** Stores the runner and answers with its secrets, of which only hashes and public halves stay here. */
export const makeRunner = async (
  deps: ApiDeps,
  pool: Pool,
  input: RunnerInput,
  keyPair: { publicKey: string; privateKey?: string },
): Promise<NewRunnerResult> => {
  const id = deps.newId('run');
  const secret = makeSecret(deps.randomBytes);
  const webhookSecret = `whsec_${deps.randomBytes(webhookSecretBytes).toString('base64')}`;
  const result = await createRunner(deps, input, {
    id,
    publicKey: keyPair.publicKey,
    tokenHash: hashSecret(secret),
    webhookSecret,
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
