import { EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestEc2, type TestEc2 } from '../../../local/testing/ec2.ts';
import { type InstanceLists, instanceLists } from './instance-lists.ts';

let ec2: TestEc2;
let lists: InstanceLists;
const inputs: object[] = [];
beforeAll(async () => {
  ec2 = await startTestEc2();
  const { endpoint, credentials, region } = ec2;
  const client = new EC2Client({ endpoint, credentials, region });
  client.middlewareStack.add((next) => (args) => {
    inputs.push(args.input);
    return next(args);
  });
  lists = instanceLists(() => client);
});
afterAll(() => ec2?.stop());

describe('a list of awake instances', () => {
  it('contains those of this stack only, by pages', async () => {
    const own = ec2.control.createStoppedInstance();
    const others = ec2.control.createStoppedInstance({ tags: { 'reveille:stack': 'Other' } });
    ec2.control.createStoppedInstance();
    ec2.control.start(own);
    ec2.control.start(others);
    const awake = await lists.listAwake({ region: ec2.region, stack: 'Reveille' });
    expect(awake.map(({ instanceId }) => instanceId)).toEqual([own]);
    expect(inputs.at(-1)).toMatchObject({ MaxResults: 1000 });
  });
});

describe('a description of many instances', () => {
  it('leaves out unknown ones, and takes one call for 200', async () => {
    const first = ec2.control.createStoppedInstance();
    const last = ec2.control.createStoppedInstance();
    const unknown = Array.from({ length: 250 }, (_, n) => `i-${String(n).padStart(17, '0')}`);
    inputs.length = 0;
    const found = await lists.describeAll({ instanceIds: [first, 'i-none', ...unknown, last] });
    expect(found.map(({ instanceId }) => instanceId)).toEqual([first, last]);
    expect(inputs).toHaveLength(2);
  });
});
