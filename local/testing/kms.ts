/** KMS's stand-in on loopback, with one key, for tests that call it through the SDK's client. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKms } from '../aws/kms.ts';
import { makeFaults } from '../gateway/faults.ts';
import { startGateway } from '../gateway/gateway.ts';
import { type Credentials, makePrincipals } from '../gateway/principals.ts';
import { countRequests, type RequestCounter } from '../gateway/requests.ts';
import { aPrincipal } from './fixture.ts';

export interface TestKms {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly keyArn: string;
  readonly counter: RequestCounter;
  stop(): Promise<void>;
}

export const startTestKms = async (): Promise<TestKms> => {
  const region = 'us-east-1';
  const keyArn = `arn:aws:kms:${region}:000000000000:key/SecretsKey`;
  const folder = mkdtempSync(join(tmpdir(), 'reveille-kms-'));
  const principals = makePrincipals(Date.now);
  const counter = countRequests();
  const gateway = await startGateway({
    principals,
    counter,
    authorize: () => {},
    faults: makeFaults(Math.random),
    nowMs: Date.now,
    services: { kms: makeKms(join(folder, 'keys.json'), [keyArn]) },
    onFailure: () => {},
  });
  return {
    endpoint: gateway.url,
    region,
    credentials: principals.issue(aPrincipal()),
    keyArn,
    counter,
    stop: async () => {
      await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
