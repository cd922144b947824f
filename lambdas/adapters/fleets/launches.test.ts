import { describe, expect, it } from 'vitest';
import { launchOutcome } from './launches.ts';

const refusedBy = (...codes: string[]) =>
  launchOutcome({
    Errors: codes.map((ErrorCode) => ({ ErrorCode, ErrorMessage: `It is ${ErrorCode}.` })),
  });

describe('launchOutcome', () => {
  it('returns the codes of all types and zones, and shows a temporary reason', () => {
    expect(refusedBy('InvalidAMIID.NotFound', 'Unsupported', 'InsufficientInstanceCapacity')).toEqual({
      launched: false,
      awsCode: 'Unsupported',
      detail: 'It is Unsupported.',
      awsCodes: ['InvalidAMIID.NotFound', 'Unsupported', 'InsufficientInstanceCapacity'],
    });
  });

  it('shows the first reason when none is temporary', () => {
    expect(refusedBy('InvalidAMIID.NotFound', 'InvalidSubnetID.NotFound')).toMatchObject({
      awsCode: 'InvalidAMIID.NotFound',
    });
  });

  it('reports an answer of EC2 with neither an instance nor a reason', () => {
    expect(launchOutcome({})).toEqual({
      launched: false,
      awsCode: 'NoInstance',
      awsCodes: [],
      detail: 'EC2 launched no instance, and gives no reason.',
    });
  });

  it('returns the instance although other types were refused', () => {
    const Instances = [
      { InstanceIds: ['i-1'], InstanceType: 't4g.small' as const, Lifecycle: 'spot' as const },
    ];
    expect(launchOutcome({ Instances, Errors: [{ ErrorCode: 'Unsupported' }] })).toEqual({
      launched: true,
      instanceId: 'i-1',
      instanceType: 't4g.small',
      market: 'spot',
    });
  });
});
