/**
 * Inputs that once made Reveille fail. Each case is a folder beside the repository; its README has the steps
 * and the right result.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../shared/cases');

/** Condition for `it.skipIf` on a checkout without the folder beside it. */
export const lacksCases = !existsSync(folder);
if (lacksCases) console.warn(`Tests of cases are skipped: there is no folder ${folder}`);

/**
 * Path of a file of a case.
 *
 * @example
 * it.skipIf(lacksCases)('case 13: …', () => spawn('bash', [caseFile(13, 'send.sh')]));
 */
export const caseFile = (number: number, name: string): string => {
  const prefix = `${String(number).padStart(2, '0')}-`;
  const found = readdirSync(folder).find((entry) => entry.startsWith(prefix));
  if (found === undefined) throw new Error(`There is no case ${number} in ${folder}.`);
  return join(folder, found, name);
};
