/**
 * A vitest reporter that appends the name of each test with a second attempt to a file, for the last line of
 * `.ci/run`.
 */
import { appendFileSync } from 'node:fs';
import type { Reporter, TestCase } from 'vitest/node';

const variable = 'REVEILLE_RETRIED_TESTS';

/** `file › suite › test`, on one line. */
const nameOf = ({ module, fullName }: Pick<TestCase, 'module' | 'fullName'>): string =>
  `${module.relativeModuleId} › ${fullName}`.replaceAll(/\s+/g, ' ');

export const reportRetried = (path: string): Pick<Reporter, 'onTestCaseResult'> => ({
  onTestCaseResult: (testCase) => {
    if ((testCase.diagnostic()?.retryCount ?? 0) > 0) appendFileSync(path, `${nameOf(testCase)}\n`);
  },
});

/** Reporters for vitest configurations: the default one, and this one when the environment names its file. */
export const reporters = (): ('default' | Pick<Reporter, 'onTestCaseResult'>)[] => {
  const path = process.env[variable];
  return path ? ['default', reportRetried(path)] : ['default'];
};
