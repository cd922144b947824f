import { describe, expect, it } from 'vitest';
import { newId } from '../lambdas/adapters/ids.ts';
import { ansibleInput, limitFault } from './app-options.ts';
import { scheduleInput, taskInput, template, templateInput } from './index.ts';

describe('limitFault', () => {
  it.each(['web', 'web:&staging', 'all:!web1', '~(web|db)[0-9]+', 'web[0:3],db', 'user@host', 'a.b_c-d'])(
    'accepts the host pattern %j',
    (limit) => expect(limitFault(limit)).toBeUndefined(),
  );

  it.each([
    '@/etc/passwd',
    'web,@hosts',
    'web, @hosts',
    'web:@hosts',
    'web;@hosts',
    ' @hosts',
    '!@hosts',
    '&@hosts',
    'web,\u001c@hosts',
    'web,\u0085@hosts',
    'web,\u3000@hosts',
  ])('rejects %j, which would read a file of the runner', (limit) =>
    expect(limitFault(limit)).toContain('must not name a file'),
  );

  it('rejects a limit that looks like a flag', () => {
    expect(limitFault('--become')).toContain('"-"');
  });
});

describe('a limit that names a file', () => {
  const ansible = { limit: 'web,@hosts' };

  it('is rejected in every input', () => {
    const templateId = newId('tpl');
    expect(ansibleInput.safeParse(ansible).success).toBe(false);
    expect(taskInput.safeParse({ templateId, ansible }).success).toBe(false);
    expect(scheduleInput.safeParse({ name: 'S', templateId, cron: '0 3 * * *', ansible }).success).toBe(
      false,
    );
    expect(templateInput.safeParse({ name: 'T', app: 'ansible', script: '-', ansible }).success).toBe(false);
  });

  it('is still read where version 0.1.0 has stored it', () => {
    const stored = {
      id: newId('tpl'),
      projectId: newId('prj'),
      createdAt: '2026-11-29T12:00:00.000Z',
      name: 'T',
      app: 'ansible',
      script: '-',
      ansible,
    };
    expect(template.parse(stored).ansible).toEqual(ansible);
  });
});

describe('a number of extraVars', () => {
  const read = (build: number) => ansibleInput.safeParse({ extraVars: { build } });

  it.each([0, -0.5, 1e-130, 20_261_130, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'accepts %d, which can be stored',
    (build) => expect(read(build).data).toEqual({ extraVars: { build } }),
  );

  it.each([
    [20_261_130_120_000_000, 'Too big: expected number to be <=9007199254740991'],
    [-1e17, 'Too small: expected number to be >=-9007199254740991'],
    [1e200, 'Too big: expected number to be <=9007199254740991'],
    [-1e-131, 'must be 0 or at least 1e-130 away from it'],
    [5e-324, 'must be 0 or at least 1e-130 away from it'],
  ])('rejects %d, and names the variable', (build, message) =>
    expect(read(build).error?.issues).toMatchObject([{ path: ['extraVars', 'build'], message }]),
  );
});
