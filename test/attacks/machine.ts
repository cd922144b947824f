/**
 * The machine of the attacks: this one, in namespaces of its own, with the users of an installation, EC2's
 * metadata service, and folders that are gone at the end. Nothing outside of the namespaces changes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../infra/bundle.ts';
import { poolNames } from '../../runner-agent/process/users.ts';

const root = join(import.meta.dirname, '../..');
const hostFolder = join(root, 'runner-agent/host');

/** Folder in memory that only these namespaces have. */
export const base = '/mnt';

/** Search path of agents and tasks: the folders of the system. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Programs that the attacks need. A missing one fails the run: no attack passes without being tried. */
const tools = [
  ...['unshare', 'mount', 'setpriv', 'ip', 'nft', 'getent', 'sh', 'bash', 'python3', 'git', 'ssh-keygen'],
  ...['terraform', 'ansible-playbook', 'curl', 'crontab', 'ipcmk', 'ipcrm', 'prlimit', 'renice', 'setsid'],
];

/** Returns the names of missing tools. */
export const missingTools = (): string[] =>
  tools.filter((name) => spawnSync('which', [name], { env: { PATH: systemPath } }).status !== 0);

const insideFlag = '--inside';

/** True in the process that `enterNamespaces` started. */
export const isInside = (): boolean => process.argv.includes(insideFlag);

/** Runs this program again in namespaces of its own; returns its exit code. */
export const enterNamespaces = (): number => {
  const flags = ['--net', '--mount', '--ipc', '--propagation', 'private', '--'];
  const again = [process.execPath, ...process.argv.slice(1), insideFlag];
  return spawnSync('unshare', [...flags, ...again], { stdio: 'inherit' }).status ?? 1;
};

const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });

/** First id of the users that the machine gets, far from those of common systems. */
const firstId = 61_100;

/** User of an agent without separation, as earlier versions made it: its home is the working folder. */
export const plainUser = { name: 'reveille', id: firstId - 1 };

/** Users of each kind: fewer than an installation makes, so that a user comes back within the run. */
export const poolSize = 4;

const passwdLine = (name: string, id: number, home: string) =>
  `${name}:x:${id}:${id}::${home}:/usr/sbin/nologin\n`;

/** Writes passwd and group with the users of the pool, and without them. */
const writeUsers = () => {
  const pool = (['task', 'cache'] as const).flatMap((kind) => poolNames(kind).slice(0, poolSize));
  const ids = new Map(pool.map((name, index) => [name, firstId + index]));
  const plainLine = passwdLine(plainUser.name, plainUser.id, `${base}/plain/work`);
  const passwd = readFileSync('/etc/passwd', 'utf8') + plainLine;
  const group = `${readFileSync('/etc/group', 'utf8')}${plainUser.name}:x:${plainUser.id}:\n`;
  const homes = `${base}/apart/work/homes`;
  const users = [...ids].map(([name, id]) => passwdLine(name, id, `${homes}/${name}`)).join('');
  const groups = [...ids].map(([name, id]) => `${name}:x:${id}:\n`).join('');
  for (const [folder, moreUsers, moreGroups] of [
    ['without', '', ''],
    ['with', users, groups],
  ] as const) {
    mkdirSync(join(base, 'users', folder), { recursive: true });
    writeFileSync(join(base, 'users', folder, 'passwd'), passwd + moreUsers);
    writeFileSync(join(base, 'users', folder, 'group'), group + moreGroups);
  }
};

/** Prepares the namespaces: folders, users, the agent's bundle, and the addresses of the metadata service. */
export const prepareMachine = async (): Promise<void> => {
  run('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'attacks', base);
  writeUsers();
  // Here, because an agent's own /tmp hides a checkout below it.
  copyFileSync(process.execPath, join(base, 'node'));
  copyFileSync(join(hostFolder, 'close-metadata.sh'), join(base, 'close-metadata.sh'));
  copyFileSync((await bundle(root)).agentFile, join(base, 'agent.mjs'));
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'address', 'add', '169.254.169.254/32', 'dev', 'lo');
  run('ip', '-6', 'address', 'add', 'fd00:ec2::254/128', 'dev', 'lo', 'nodad');
};

/** Capabilities that the systemd unit leaves the agent, such as "setuid". */
export const unitCapabilities = (): string[] => {
  const unit = readFileSync(join(hostFolder, 'reveille-runner.service'), 'utf8');
  const [, names = ''] = /^CapabilityBoundingSet=(.*)$/m.exec(unit) ?? [];
  return names.split(' ').map((name) => name.replace('CAP_', '').toLowerCase());
};
