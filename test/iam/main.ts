/**
 * `npm run iam:report`: runs all tests, records the permissions that each role used, and compares them with
 * the template's grants. Exits with 1 when a grant was never used. `--records DIR` reads the records of an
 * earlier run (`REVEILLE_IAM_RECORDS=DIR npm test`) instead of running the tests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { readEnvironment } from '../../local/environment.ts';
import { readUses } from '../../local/iam/records.ts';
import { readTemplate } from '../../local/template/file.ts';
import { root, synthesize, templatesIn } from '../../local/template/synth.ts';
import { interpret } from '../../local/template/template.ts';
import { isPlayed, print, reportOf } from './report.ts';

const folderThatIs = (path: string): string => {
  if (!existsSync(path)) throw new InvalidArgumentError('There is no such folder.');
  return path;
};

const flags = new Command('npm run iam:report --')
  .description('Runs all tests, and fails on a permission of the template that no role has used on the way.')
  .option(
    '--records <folder>',
    'what an earlier run has recorded, instead of running the tests',
    folderThatIs,
  )
  .parse()
  .opts<{ records?: string }>();
const folder = mkdtempSync(join(tmpdir(), 'reveille-iam-report-'));

const runTests = async (records: string): Promise<void> => {
  const tests = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, REVEILLE_IAM_RECORDS: records },
  });
  const [code] = await once(tests, 'exit');
  if (code !== 0) throw new Error('The tests fail, so what the roles use is not known.');
};

try {
  const records = flags.records ?? join(folder, 'records');
  if (flags.records === undefined) await runTests(records);
  const outDir = await synthesize(readEnvironment(process.env));
  const { template, assets } = readTemplate(templatesIn(outDir).control.path);
  const place = {
    accountId: '000000000000',
    region: 'us-east-1',
    stackName: 'Reveille',
    apiUrl: 'http://localhost',
  };
  const { roles } = interpret(template, assets, place);
  const reports = reportOf(roles, readUses(records));
  print(reports, console.log);
  for (const { logicalId } of roles.filter((role) => !isPlayed(role))) {
    console.log(`${logicalId}: belongs to EC2 instances, which the stack on one machine does not play`);
  }
  const unused = reports.reduce((sum, report) => sum + report.unused.length, 0);
  console.log(`${unused} of ${reports.reduce((sum, { granted }) => sum + granted, 0)} grants were not used.`);
  if (unused > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
