/** Removes this runner from the control plane, and its config and key from this machine. */
import { unregisterRunner } from '../../protocol/endpoints/agent.ts';
import type { ApiClient } from '../api-client.ts';
import { ApiProblem, RunnerRefused } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { removeConfig } from './config-writer.ts';

export interface Unregistration {
  token: string;
  configPath: string;
  log: Logger;
}

/** Unregisters the runner. One that the API does not know counts as unregistered. */
export const unregister = async (
  api: ApiClient,
  { token, configPath, log }: Unregistration,
): Promise<void> => {
  try {
    await api.call(unregisterRunner, { bearer: token });
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (error.status !== 401 && error.status !== 404) {
      throw new RunnerRefused(`The API refuses to unregister this runner: ${error.message}`, {
        cause: error,
      });
    }
    log.warn(`The API no longer knows this runner: ${error.message}`);
  }
  await removeConfig(configPath);
};
