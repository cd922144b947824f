import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Sqs, startSqs } from '../../../local/aws/sqs.ts';
import { makeFaults } from '../../../local/gateway/faults.ts';
import { type Gateway, startGateway } from '../../../local/gateway/gateway.ts';
import { makePrincipals } from '../../../local/gateway/principals.ts';
import { countRequests } from '../../../local/gateway/requests.ts';
import { aPrincipal } from '../../../local/testing/fixture.ts';
import { type Queues, sqsQueues } from './queues.ts';

const region = 'us-east-1';
let sqs: Sqs;
let gateway: Gateway;
let queues: Queues;
let presentMs = Date.now();
beforeAll(async () => {
  sqs = await startSqs(region, [], () => presentMs);
  const principals = makePrincipals(Date.now);
  gateway = await startGateway({
    principals,
    counter: countRequests(),
    authorize: async () => {},
    faults: makeFaults(Math.random),
    nowMs: Date.now,
    services: { sqs: sqs.service },
    onFailure: () => {},
  });
  const credentials = principals.issue(aPrincipal());
  const client = new SQSClient({
    region,
    endpoint: gateway.url,
    credentials,
    useQueueUrlAsEndpoint: false,
  });
  const urlPrefix = `https://sqs.${region}.amazonaws.com/000000000000/reveille-`;
  queues = sqsQueues({ namePrefix: 'reveille-', urlPrefix, stackName: 'Reveille' }, client);
});
afterAll(async () => {
  await gateway?.stop();
  await sqs?.stop();
});

it.each([
  ['prj_1', { 'reveille:stack': 'Reveille', 'reveille:project': 'prj_1' }],
  ['prj_1-sydney', { 'reveille:stack': 'Reveille', 'reveille:project': 'prj_1' }],
  ['global', { 'reveille:stack': 'Reveille' }],
])('tags the queue %s for the bill, and making it again changes nothing', async (name, tags) => {
  await queues.create(name);
  await queues.create(name);
  expect(await sqs.call('ListQueueTags', { QueueUrl: queues.urlOf(name) })).toEqual({ Tags: tags });
});

it('refuses to make a removed queue for 60 s, then makes it', async () => {
  expect(await queues.create('prj_2')).toBe(true);
  await queues.remove('prj_2');
  presentMs += 59_000;
  expect(await queues.create('prj_2')).toBe(false);
  expect(await queues.create('prj_3')).toBe(true);
  presentMs += 1000;
  expect(await queues.create('prj_2')).toBe(true);
});
