import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { runnerInput, templateInput } from '../../protocol/index.ts';
import { issueText } from './issue-text.ts';

const wordsOf = (schema: z.ZodType, input: unknown) => {
  const parsed = schema.safeParse(input, { error: issueText });
  return parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim());
};

describe('a message for invalid input', () => {
  it('continues the name of the field', () => {
    const runner = {
      name: '',
      tags: 'a',
      maxParallelTasks: 1001,
      idleTimeoutMs: null,
      instanceId: 'nonsense',
      active: 1,
      more: 1,
    };
    expect(wordsOf(runnerInput, runner)).toEqual([
      'name must not be empty',
      'tags must be a list',
      'maxParallelTasks must be 1,000 or less',
      'active must be true or false',
      'idleTimeoutMs must be a number',
      'instanceId must be an EC2 instance id such as i-0123456789abcdef0',
      'has unknown fields: more',
    ]);
    expect(wordsOf(templateInput, { name: 'a', app: 'cobol' })?.[0]).toBe(
      'app must be ansible or terraform or tofu or bash or python or powershell',
    );
    expect(wordsOf(z.object({ name: z.string() }), {})).toEqual(['name is missing']);
    expect(wordsOf(z.string().min(12), 'short')).toEqual(['must have at least 12 characters']);
    expect(wordsOf(z.email(), 'x')).toEqual(['must be an e-mail address']);
  });
});
