/** Registers this machine as a runner. The key pair is created here, and only its public half is sent. */
import { registerRunner } from '../../protocol/endpoints/agent.ts';
import { type RegisterRequest, registerRequest } from '../../protocol/runner.ts';
import type { ApiClient } from '../api-client.ts';
import { parseGiven } from '../config.ts';
import { ApiProblem, messageOf, RunnerRefused } from '../errors.ts';
import { makeKeyPair } from '../secrets/keys.ts';
import { refuseToReplace, stageConfig } from './config-writer.ts';

export interface Registration {
  apiUrl: string;
  registrationToken: string;
  configPath: string;
  workDir: string | undefined;
  /** Replaces an existing config. */
  force: boolean;
  /** Request without the public key. Undefined fields get the API's default. */
  request: { [K in keyof RegisterRequest]?: RegisterRequest[K] | undefined };
}

/**
 * Resolves to the new runner's id. Rejects with RunnerRefused or ConfigError, and then leaves nothing behind.
 */
export const register = async (
  api: ApiClient,
  given: Registration,
): Promise<{ runnerId: string; name: string }> => {
  const { apiUrl, configPath, registrationToken, workDir, force } = given;
  const { publicKey, privateKey } = makeKeyPair();
  const body = parseGiven(registerRequest, { ...given.request, publicKey }, 'Registration');
  await refuseToReplace(configPath, force);
  // Written first, since a registration token works only once: a write that fails must fail before the token
  // is spent.
  const staged = await stageConfig(configPath, privateKey);
  try {
    const { token, runner } = await api.call(registerRunner, {
      bearer: registrationToken,
      body,
    });
    await staged.commit({
      apiUrl,
      token,
      runnerId: runner.id,
      name: runner.name,
      workDir,
    });
    return { runnerId: runner.id, name: runner.name };
  } catch (error) {
    await staged.discard();
    if (error instanceof ApiProblem) {
      throw new RunnerRefused(`The API refuses the registration: ${messageOf(error)}`, { cause: error });
    }
    throw error;
  }
};
