/**
 * The scripts of package.json with options: `--help` describes them, and a wrong option gets one sentence.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { notNegative, share, wholeNumber } from './arguments.ts';

const root = join(import.meta.dirname, '..');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

const failure = z.object({ code: z.number(), stderr: z.string() });

/** Runs a script like `npm run NAME -- …`. */
const run = (name: string, ...args: string[]) => {
  const file = scripts[name]?.replace('node ', '') ?? '';
  return promisify(execFile)(process.execPath, [file, ...args], { cwd: root });
};

describe('the script', () => {
  it('iam:report prints its purpose and its options', async () => {
    const { stdout } = await run('iam:report', '--help');
    expect(stdout).toContain('Usage: npm run iam:report -- [options]');
    expect(stdout).toContain('--records <folder>');
  });

  it.each([
    ['fuzz:api', '--requests', 'x', 'a whole number, 1 or more'],
    ['simulate', '--seeds', 'x', 'a whole number, 1 or more'],
    ['simulate:mutants', '--only', 'no such mutant', 'no mutant has "no such mutant" in its name'],
    ['iam:report', '--records', 'nowhere', 'There is no such folder'],
    ['soak', '--faults', '2', 'a number from 0 to 1'],
    ['bench:dispatch', '--tasks', '', 'a whole number, 1 or more'],
    ['bench:bill', 'no-such.csv', 'none.csv', 'There is no trace no-such.csv. Copy the traces to'],
    ['bench:desk', '--tries', '0', 'a whole number, 1 or more'],
    ['bench:agent', '--nonsense', 'x', "unknown option '--nonsense'"],
    ['test:agent-load', '--outage', '-1', 'a number, 0 or more'],
    ['demo', '--nonsense', 'x', "unknown option '--nonsense'"],
    [
      'task',
      'tsk_01M8MC23MT7P64ZYDP7Q9D68CZ',
      '--data=nowhere',
      'No stack runs with the data folder nowhere: start it',
    ],
  ])('%s rejects %s %j before it does anything', async (name, option, value, why) => {
    const refused = failure.parse(await run(name, option, value).catch((error: unknown) => error));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^error: /);
    expect(refused.stderr).toContain(why);
    expect(refused.stderr).not.toContain('    at ');
  });
});

describe('a number on the command line', () => {
  it.each([
    [wholeNumber(1), ['0', '-1', '1.5', '', ' ', 'x', '1e', '1e30', 'Infinity']],
    [notNegative, ['-1', '', 'x', 'Infinity', 'NaN']],
    [share, ['-0.1', '1.1', '', 'x']],
  ])('is rejected when it is not a number, or out of range', (parse, wrong) => {
    for (const text of wrong) expect(() => parse(text), text).toThrow(InvalidArgumentError);
  });

  it('is accepted otherwise', () => {
    expect([wholeNumber(0)('0'), wholeNumber(1)('20000'), notNegative('0.5'), share('1')]).toEqual([
      0, 20_000, 0.5, 1,
    ]);
  });
});
