/**
 * Enrols an instance that a fleet launched for a runner: proves its identity with its role, and writes the
 * runner's config.
 */

import * as z from 'zod';
import { enrollInstance } from '../../protocol/endpoints/agent.ts';
import type { ApiClient } from '../api-client.ts';
import { ApiProblem, ConfigError, messageOf, RunnerRefused } from '../errors.ts';
import { signIdentity } from '../host/identity.ts';
import { createMetadata } from '../host/metadata.ts';
import { type Logger, sayRarely } from '../logger.ts';
import type { AwsKey } from '../queue/aws-signature.ts';
import { retry } from '../retry.ts';
import { makeKeyPair } from '../secrets/keys.ts';
import type { Timing } from '../timing.ts';
import { refuseToReplace, stageConfig } from './config-writer.ts';

export interface Enrolment {
  /** URL of the API. If absent, the instance's tag `reveille:api` has it. */
  apiUrl: string | undefined;
  connect(apiUrl: string): ApiClient;
  metadataUrl: string;
  stsEndpoint: string | undefined;
  configPath: string;
  workDir: string | undefined;
  force: boolean;
  timing: Timing;
  log: Logger;
}

/** Tag in the metadata: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html */
const apiTag = 'tags/instance/reveille:api';
/**
 * Role in the metadata:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
 */
const roleItem = 'iam/security-credentials/';

const roleCredentials = z
  .object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), Token: z.string() })
  .transform(
    ({ AccessKeyId, SecretAccessKey, Token }): AwsKey => ({
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: Token,
    }),
  );

/** Temporary refusals: the launch is not recorded yet, or the previous agent's lease has not expired. */
const passing = ['try_later', 'agent_running'];

type Read = ReturnType<typeof createMetadata>;

const required = async (read: Read, item: string, what: string): Promise<string> => {
  const text = await read(item);
  if (!text) throw new ConfigError(`The instance has no ${what} (${item} of its metadata)`);
  return text;
};

/** Reads the role's credentials, which EC2 renews before they expire. */
const readKey = async (read: Read): Promise<AwsKey> => {
  const role = (await required(read, roleItem, 'role')).split('\n')[0] ?? '';
  return roleCredentials.parse(JSON.parse(await required(read, `${roleItem}${role}`, 'credentials')));
};

/**
 * Retries until the API accepts the proof. Rejects with RunnerRefused when it never will, and with
 * ConfigError when this is not such an instance.
 */
export const enroll = async (given: Enrolment): Promise<{ runnerId: string; name: string }> => {
  const { connect, configPath, timing, log, stsEndpoint } = given;
  await refuseToReplace(configPath, given.force);
  const read = createMetadata(given.metadataUrl, timing);
  const sayTrouble = sayRarely(log.warn, timing.now);

  const attempt = async () => {
    const apiUrl = given.apiUrl ?? (await required(read, apiTag, 'tag reveille:api'));
    const region = await required(read, 'placement/region', 'region');
    const { publicKey, privateKey } = makeKeyPair();
    const staged = await stageConfig(configPath, privateKey);
    try {
      const key = await readKey(read);
      const body = await signIdentity({ key, region, apiUrl, publicKey, nowMs: timing.now(), stsEndpoint });
      const { runnerId, name, token } = await connect(apiUrl).call(enrollInstance, { body });
      await staged.commit({ apiUrl, token, runnerId, name, workDir: given.workDir });
      return { runnerId, name };
    } catch (error) {
      await staged.discard();
      if (error instanceof ApiProblem && !passing.includes(error.code))
        throw new RunnerRefused(`The API refuses the enrolment: ${messageOf(error)}`, { cause: error });
      throw error;
    }
  };

  return retry(attempt, {
    isFinal: (error) => error instanceof ConfigError || error instanceof RunnerRefused,
    onRetry: (error) => sayTrouble(`${messageOf(error)}; trying again`),
    timing,
    baseMs: 1000,
    maxMs: 10_000,
  });
};
