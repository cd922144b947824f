/**
 * `npm run lint:cfn`: cfn-lint over the templates of each deployment below. cfn-lint contains
 * CloudFormation's resource schemas, so it needs no network. It is a Python program: uses a `cfn-lint` on the
 * PATH, or installs one into `dist/cfn-lint`, which needs Python 3.9 or newer with `venv` and a package
 * index.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Settings of cdk.json that change which resources exist. */
const deployments: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'as it comes': {},
  'only for Semaphore': { semaphoreOnly: true },
  'without the console': { console: false },
  'with a table and a key that are there': {
    tableName: 'reveille-restored',
    secretsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  },
  'with fleets in three regions': {
    fleets: [
      {
        name: 'sydney',
        region: 'ap-southeast-2',
        instanceTypes: ['t4g.small'],
        tags: ['sydney'],
        spot: true,
      },
      { name: 'dublin', region: 'eu-west-1', instanceTypes: ['m7i.large'], architecture: 'x86_64' },
      {
        name: 'ohio',
        region: 'us-east-2',
        instanceTypes: ['c7g.large'],
        vpcId: 'vpc-0123456789abcdef0',
        subnets: ['subnet-0123456789abcdef0'],
      },
    ],
  },
};

const version = '1.58.0';
/**
 * Ignored checks. CDK writes a DependsOn from each function to its role, which a GetAtt implies already:
 * superfluous and harmless.
 */
const ignored = ['W3005'];

const root = join(import.meta.dirname, '..');

/** Exit code without cfn-lint, by which CI recognizes a failed installation. */
const cannotInstall = 3;

const install = (): string => {
  const venv = join(root, 'dist/cfn-lint');
  const program = join(venv, 'bin/cfn-lint');
  if (existsSync(program)) return program;
  try {
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
    const pip = ['install', '--quiet', '--disable-pip-version-check', `cfn-lint==${version}`];
    execFileSync(join(venv, 'bin/pip'), pip, { stdio: 'inherit' });
  } catch (error) {
    rmSync(venv, { recursive: true, force: true });
    console.error(
      `cfn-lint ${version} cannot be installed: it wants Python 3.9 or newer with venv and a package index. ` +
        `Install these, or cfn-lint itself. (${error instanceof Error ? error.message : String(error)})`,
    );
    process.exit(cannotInstall);
  }
  return program;
};

const program = spawnSync('cfn-lint', ['--version']).status === 0 ? 'cfn-lint' : install();

const outDir = mkdtempSync(join(tmpdir(), 'reveille-lint-'));
try {
  const templates = Object.entries(deployments).flatMap(([name, context]) => {
    const folder = join(outDir, name);
    execFileSync(process.execPath, [join(root, 'infra/app.ts')], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) },
    });
    return readdirSync(folder)
      .filter((file) => file.endsWith('.template.json'))
      .map((file) => join(name, file));
  });
  // One call for all: cfn-lint needs longer to read the resource schemas than a template.
  const { status } = spawnSync(program, ['--ignore-checks', ...ignored, '--', ...templates], {
    cwd: outDir,
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
  for (const template of templates) console.log(template);
  console.log(`${templates.length} templates: ${status === 0 ? 'clean' : 'not clean'}`);
} finally {
  rmSync(outDir, { recursive: true, force: true });
}
