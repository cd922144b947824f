import { EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestEc2, type TestEc2 } from '../../../local/testing/ec2.ts';
import { ec2Instances, type Instances } from './instances.ts';

let ec2: TestEc2;
let instances: Instances;
beforeAll(async () => {
  ec2 = await startTestEc2();
  const { endpoint, credentials, region } = ec2;
  instances = ec2Instances(() => new EC2Client({ endpoint, credentials, region }));
});
afterAll(() => ec2?.stop());

describe('a list of launched instances', () => {
  const launchedBy = (apiUrl: string, stack = 'Reveille', runner = 'global/run_1') =>
    ec2.control.createStoppedInstance({
      tags: {
        'reveille:stack': stack,
        'reveille:fleet': 'sydney',
        'reveille:runner': runner,
        'reveille:api': apiUrl,
      },
    });

  it('contains those of one control plane, not of another whose stack has the same name', async () => {
    const own = launchedBy('https://own.test');
    const another = launchedBy('https://own.test', 'Reveille', 'global/run_2');
    launchedBy('https://other.test');
    launchedBy('https://own.test', 'Other');
    const where = { region: ec2.region, stack: 'Reveille', apiUrl: 'https://own.test' };
    const ids = async (runner = {}) =>
      (await instances.listLaunched({ ...where, ...runner })).map(({ instanceId }) => instanceId);
    expect((await ids()).sort()).toEqual([own, another].sort());
    expect(await ids({ runner: 'global/run_1' })).toEqual([own]);
  });
});

describe('an instance', () => {
  it('is described with its owner', async () => {
    const tags = { 'reveille:project': 'prj_1' };
    const kept = ec2.control.createStoppedInstance({ tags });
    const anybodys = ec2.control.createStoppedInstance();
    const ownerOf = async (instanceId: string) => (await instances.describe({ instanceId }))?.owner;
    expect([await ownerOf(kept), await ownerOf(anybodys)]).toEqual(['prj_1', undefined]);
  });
});

describe('a gone instance, under a policy with a condition on its tag', () => {
  const instanceId = 'i-0123456789abcdef0';
  const refuse = (operation: string) =>
    ec2.control.failNext(
      operation,
      'UnauthorizedOperation',
      'You are not authorized to perform this operation.',
    );

  it('is reported as gone when it is started, with any error code of EC2', async () => {
    refuse('StartInstances');
    expect(await instances.start({ instanceId })).toMatchObject({
      started: false,
      code: 'refused',
      awsCode: 'InvalidInstanceID.NotFound',
    });
  });

  it('returns false when it is stopped or terminated', async () => {
    refuse('StopInstances');
    refuse('TerminateInstances');
    expect(await instances.stop({ instanceId })).toBe(false);
    expect(await instances.terminate({ instanceId })).toBe(false);
  });

  it('differs from an existing one, whose refusal is shown in the words of AWS', async () => {
    const there = ec2.control.createStoppedInstance();
    refuse('StartInstances');
    expect(await instances.start({ instanceId: there })).toEqual({
      started: false,
      code: 'refused',
      awsCode: 'UnauthorizedOperation',
      detail: 'You are not authorized to perform this operation.',
    });
    refuse('TerminateInstances');
    await expect(instances.terminate({ instanceId: there })).rejects.toThrow('You are not authorized');
  });
});
