/**
 * Token buckets of EC2's API, for each action and region of the account: they refill each second up to their
 * size, and a call beyond them is refused. https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
import { AwsError } from '../call.ts';
import { type FormNode, recordsOf, textOf, textsOf } from './form.ts';

interface Size {
  readonly most: number;
  readonly perSecond: number;
}

/** Tokens that a call takes of a bucket; calls with the same name share the bucket. */
interface Take extends Size {
  readonly name: string;
  readonly tokens: number;
}

const requests = { most: 5, perSecond: 2 } as const satisfies Size;
const instances = { most: 1000, perSecond: 2 } as const satisfies Size;
const filteredReads = { most: 100, perSecond: 20 } as const satisfies Size;
const unfilteredReads = { most: 50, perSecond: 10 } as const satisfies Size;
const otherWrites = { most: 50, perSecond: 5 } as const satisfies Size;

const startTakes = (action: string, count: number): Take[] => [
  { name: `${action} requests`, tokens: 1, ...requests },
  { name: `${action} instances`, tokens: count, ...instances },
];

const takesOf = (action: string, form: FormNode): Take[] => {
  switch (action) {
    case 'StartInstances':
      return startTakes(action, new Set(textsOf(form, 'InstanceId')).size);
    case 'RunInstances':
      return startTakes(action, Number(textOf(form, 'MaxCount') ?? 1));
    case 'CreateFleet': {
      const target = form.get('TargetCapacitySpecification');
      const capacity = target instanceof Map ? textOf(target, 'TotalTargetCapacity') : undefined;
      return startTakes(action, Number(capacity ?? 1));
    }
    default:
      break;
  }
  if (!action.startsWith('Describe')) return [{ name: action, tokens: 1, ...otherWrites }];
  const isFiltered = recordsOf(form, 'Filter').length > 0 || textOf(form, 'MaxResults') !== undefined;
  return isFiltered
    ? [{ name: `${action} filtered`, tokens: 1, ...filteredReads }]
    : [{ name: `${action} unfiltered`, tokens: 1, ...unfilteredReads }];
};

export type Buckets = ReturnType<typeof makeBuckets>;

/** Makes the buckets, all full. */
export const makeBuckets = (nowMs: () => number) => {
  const levels = new Map<string, { readonly tokens: number; readonly atMs: number }>();

  const levelOf = (key: string, { most, perSecond }: Size): number => {
    const level = levels.get(key);
    if (!level) return most;
    return Math.min(most, level.tokens + ((nowMs() - level.atMs) / 1000) * perSecond);
  };

  return {
    /** Takes what the call needs. Throws EC2's error, and takes nothing, when a bucket has too few tokens. */
    take: (action: string, form: FormNode, region: string): void => {
      const takes = takesOf(action, form).map((take) => {
        const key = `${region} ${take.name}`;
        return { key, left: levelOf(key, take) - take.tokens };
      });
      if (takes.some(({ left }) => left < 0))
        throw new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
      for (const { key, left } of takes) levels.set(key, { tokens: left, atMs: nowMs() });
    },
  };
};
