/**
 * Lambda's stand-in, called as functions call it: through the SDK, signed, through the gateway with its IAM
 * and its faults.
 */
import {
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Throttled } from '../functions/concurrency.ts';
import { makeFaults } from '../gateway/faults.ts';
import { type Gateway, startGateway } from '../gateway/gateway.ts';
import { makePrincipals } from '../gateway/principals.ts';
import { countRequests } from '../gateway/requests.ts';
import { makeIam } from '../iam/index.ts';
import { aPrincipal, aRole, until } from '../testing/fixture.ts';
import { type AsyncInvoker, makeAsyncInvoker } from './async-invoke.ts';
import { makeLambda } from './lambda.ts';

const region = 'us-east-1';
const place = { accountId: '000000000000', region, stackName: 'Stack', apiUrl: 'http://localhost:1' };
const arnOf = (name: string) => `arn:aws:lambda:${region}:${place.accountId}:function:${name}`;
const [mine, gone, other] = ['Mine', 'Gone', 'Other'].map(arnOf);
const role = aRole({
  policies: [
    {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: [mine, gone] }],
    },
  ],
});
const principals = makePrincipals(Date.now);
const faults = makeFaults(() => 0);
const counter = countRequests();
const iam = makeIam({ spec: { roles: [role], place }, tagsOf: () => undefined, onDenied: () => {} });
const invoked: unknown[] = [];
const buried: unknown[] = [];
let handler: () => Promise<unknown>;
let retriesMax: number | undefined;
let invoker: AsyncInvoker;
let gateway: Gateway;
let client: LambdaClient;

beforeAll(async () => {
  gateway = await startGateway({
    faults,
    principals,
    counter,
    authorize: iam.authorize,
    nowMs: Date.now,
    services: {
      lambda: (call) => makeLambda({ functions: new Set([mine ?? '']), deliver: invoker.deliver })(call),
    },
    onFailure: () => {},
  });
  const credentials = principals.issue(aPrincipal({ role }));
  client = new LambdaClient({ region, endpoint: gateway.url, credentials, maxAttempts: 1 });
});
afterAll(() => gateway?.stop());
beforeEach(() => {
  handler = async () => undefined;
  retriesMax = undefined;
  invoker = makeAsyncInvoker({
    functionOf: () => (event) => {
      invoked.push(event);
      return handler();
    },
    bury: async (arn, event, error) => void buried.push([arn, event, error]),
    retriesMaxOf: () => retriesMax,
    retryDelaysMs: [1, 1],
    throttledDelayMs: () => 1,
  });
  faults.set([]);
  for (const list of [invoked, buried]) list.length = 0;
});
afterEach(() => invoker?.stop());

const invoke = (over: Partial<InvokeCommandInput> = {}) =>
  client.send(
    new InvokeCommand({ FunctionName: mine, InvocationType: 'Event', Payload: '{"a":1}', ...over }),
  );

describe("Lambda's stand-in", () => {
  it('accepts an event and answers before the function ends', async () => {
    const ended = Promise.withResolvers<void>();
    handler = () => ended.promise;
    expect(await invoke()).toMatchObject({ StatusCode: 202 });
    expect(invoked).toEqual([{ a: 1 }]);
    ended.resolve();
  });

  it('retries a failing function twice, then sends the event to the dead-letter queue', async () => {
    const broken = new Error('broken');
    handler = () => Promise.reject(broken);
    await invoke();
    await until(() => buried.length > 0);
    expect(invoked).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }]);
    expect(buried).toEqual([[mine, { a: 1 }, broken]]);
  });

  it('retries at most as often as the template allows', async () => {
    retriesMax = 0;
    handler = () => Promise.reject(new Error('broken'));
    await invoke();
    await until(() => buried.length > 0);
    expect(invoked).toEqual([{ a: 1 }]);
  });

  it('stops retrying after a success', async () => {
    handler = async () => {
      if (invoked.length === 1) throw new Error('broken once');
    };
    await invoke();
    await until(() => invoked.length === 2);
    expect(buried).toEqual([]);
  });

  it('keeps an event that was throttled, with all its retries', async () => {
    handler = async () => {
      if (invoked.length <= 4) throw new Throttled();
      throw new Error('broken');
    };
    await invoke();
    await until(() => buried.length > 0);
    expect(invoked).toHaveLength(4 + 3);
  });

  it('applies the faults of AWS calls: a duplicate, and a lost answer', async () => {
    faults.set([{ service: 'lambda', operation: 'Invoke', kind: 'duplicate', probability: 1 }]);
    await invoke();
    expect(invoked).toHaveLength(2);
    faults.set([{ service: 'lambda', kind: 'dropped', probability: 1 }]);
    await expect(invoke()).rejects.toThrow('An injected fault.');
    expect(invoked).toHaveLength(3);
  });

  it.each([
    ['a function that its role may not invoke', { FunctionName: other }, 'AccessDeniedException'],
    ['a function that there is not', { FunctionName: gone }, 'ResourceNotFoundException'],
    ['an event that is not JSON', { Payload: '{' }, 'InvalidRequestContentException'],
    ['an event that is too long', { Payload: `"${'x'.repeat(1024 * 1024)}"` }, 'RequestTooLargeException'],
    ['a call that waits for the answer', { InvocationType: 'RequestResponse' as const }, 'NotImplemented'],
  ])('rejects %s', async (_what, over, name) => {
    await expect(invoke(over)).rejects.toMatchObject({ name });
    expect(invoked).toEqual([]);
  });

  it('rejects an unsupported operation, and a caller with a guessed key', async () => {
    await expect(client.send(new ListFunctionsCommand({}))).rejects.toThrow('has no Lambda GET');
    const credentials = { ...principals.issue(aPrincipal({ role })), secretAccessKey: 'guessed' };
    const forger = new LambdaClient({ region, endpoint: gateway.url, credentials, maxAttempts: 1 });
    await expect(forger.send(new InvokeCommand({ FunctionName: mine }))).rejects.toThrow('signature');
  });
});
