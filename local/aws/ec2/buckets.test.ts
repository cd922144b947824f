import { beforeEach, expect, it } from 'vitest';
import { type Buckets, makeBuckets } from './buckets.ts';
import { parseForm } from './form.ts';

let nowMs = 0;
let buckets: Buckets;

beforeEach(() => {
  nowMs = 1_000_000;
  buckets = makeBuckets(() => nowMs);
});

const ids = (count: number) =>
  Array.from({ length: count }, (_, index) => `InstanceId.${index + 1}=i-${index}`).join('&');

/** Counts the calls that pass before the first refusal, out of `most`. */
const passing = (action: string, body: string, most = 200, region = 'us-east-1'): number => {
  for (let passed = 0; passed < most; passed++) {
    try {
      buckets.take(action, parseForm(body), region);
    } catch (error) {
      expect(error).toMatchObject({ code: 'RequestLimitExceeded', status: 503 });
      return passed;
    }
  }
  return most;
};

it('lets 5 starts pass at once, and 2 more each second', () => {
  expect(passing('StartInstances', ids(1))).toBe(5);
  nowMs += 1000;
  expect(passing('StartInstances', ids(1))).toBe(2);
  nowMs += 60_000;
  expect(passing('StartInstances', ids(1))).toBe(5);
});

it('counts the instances of a start: 1,000 at once, and 120 more each minute', () => {
  expect(passing('StartInstances', ids(500))).toBe(2);
  nowMs += 60_000;
  expect(passing('StartInstances', ids(121))).toBe(0);
  expect(passing('StartInstances', ids(120))).toBe(1);
});

it('takes nothing for a refused call', () => {
  expect(passing('StartInstances', ids(1001))).toBe(0);
  expect(passing('StartInstances', ids(1000))).toBe(1);
});

it('has buckets of its own for each region and action', () => {
  expect(passing('StartInstances', ids(1))).toBe(5);
  expect(passing('StartInstances', ids(1), 200, 'eu-west-1')).toBe(5);
  expect(passing('CreateFleet', 'TargetCapacitySpecification.TotalTargetCapacity=1')).toBe(5);
  expect(passing('RunInstances', 'MaxCount=400')).toBe(2);
});

it.each([
  ['DescribeInstances', 'InstanceId.1=i-1', 50, 10],
  ['DescribeInstances', 'MaxResults=100', 100, 20],
  ['DescribeInstances', 'Filter.1.Name=instance-id&Filter.1.Value.1=i-1', 100, 20],
  ['StopInstances', 'InstanceId.1=i-1', 50, 5],
  ['TerminateInstances', 'InstanceId.1=i-1', 50, 5],
])('lets %s with %s pass %i times at once, and %i times a second', (action, body, atOnce, perSecond) => {
  expect(passing(action, body)).toBe(atOnce);
  nowMs += 1000;
  expect(passing(action, body)).toBe(perSecond);
});
