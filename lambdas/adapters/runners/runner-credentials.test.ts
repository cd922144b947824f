import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { runnerInput } from '../../../protocol/index.ts';
import { controlQueueOf, queuesOf } from '../../core/tasks/routing.ts';
import { aProjectId, aRunner } from '../../core/testing.ts';
import { sessionPolicy } from './runner-credentials.ts';

/** Longest possible tags. */
const longTags = (count: number) => Array.from({ length: count }, (_, n) => `${n}`.padEnd(32, 'x'));
const accepts = (count: number): boolean =>
  runnerInput.safeParse({ name: 'x', tags: longTags(count) }).success;

/** Maximum length of a policy (AWS: AssumeRole, Policy). */
const longestPolicy = 2048;

describe('the session policy', () => {
  it.each([
    'arn:aws:sqs:ap-southeast-2:123456789012:reveille-',
    'arn:aws:sqs:us-east-1:123456789012:seventeen-letter-',
    'arn:aws-us-gov:sqs:us-gov-west-1:123456789012:seventeen-letter-',
  ])('has room under %s for the maximum of tags', (queueArnPrefix) => {
    let most = 0;
    while (accepts(most + 1)) most += 1;
    const runner = aRunner({ projectId: aProjectId, tags: longTags(most) });
    const queues = [...queuesOf(runner), controlQueueOf(runner)];
    expect(queues).toHaveLength(most + 1);
    expect(sessionPolicy(queueArnPrefix, queues).length).toBeLessThan(longestPolicy);
  });

  it('names each queue in full, with its prefix', () => {
    const policy = z
      .object({ Statement: z.tuple([z.object({ Resource: z.array(z.string()) })]) })
      .parse(
        JSON.parse(sessionPolicy('arn:aws:sqs:us-east-1:123456789012:reveille-', ['global', 'prj_1-a'])),
      );
    expect(policy.Statement[0].Resource).toEqual([
      'arn:aws:sqs:*:*:reveille-global',
      'arn:aws:sqs:*:*:reveille-prj_1-a',
    ]);
  });
});
