/** Attacks by what a task leaves: on the tasks after it, and on the machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Attack, type Script, scriptOf } from './attack.ts';
import type { Lab } from './lab.ts';

/** Succeeds when `isThere` holds after the task has ended; `word` names what it leaves. */
const leaves = (
  name: string,
  script: (word: string, lab: Lab) => string,
  isThere: (word: string, lab: Lab) => boolean,
): Attack => ({
  name: `leaves ${name}`,
  run: async (lab) => {
    const word = lab.word();
    await lab.run({ script: script(word, lab) });
    return isThere(word, lab);
  },
});

const isIn = (folder: string) => (word: string, lab: Lab) => readdirSync(lab.seen(folder)).includes(word);

/**
 * True when a process has the word in its command line. Ends those that have it: they would slow down what
 * follows.
 */
export const hasProcess = (word: string): boolean => {
  let isThere = false;
  // Processes that replace one another faster than the list is read may be missed once, not each time.
  for (let misses = 0; misses < 10; misses += 1) {
    if (spawnSync('pkill', ['-9', '-f', word]).status !== 0) continue;
    isThere = true;
    misses = 0;
  }
  return isThere;
};

/** Reads a table of System V IPC in the namespace of the agent. */
const ipcOf = ({ agentPid }: Lab, table: string): string => {
  const call = ['--target', String(agentPid), '--ipc', 'cat', `/proc/sysvipc/${table}`];
  return execFileSync('nsenter', call, { encoding: 'utf8' });
};

/**
 * A task leaves something; then a task of another project runs. Succeeds when the last output has the word.
 */
const meets = (name: string, first: (word: string, lab: Lab) => string, next: Script): Attack => ({
  name,
  run: async (lab) => {
    const word = lab.word();
    await lab.run({ script: first(word, lab) });
    const { output } = await lab.run({ script: scriptOf(next, lab) });
    return output.includes(word);
  },
});

const daemon = (body: string, word: string) => `cat > daemon <<'END'
${body}
END
setsid env -i PATH="$PATH" bash -c "$(cat daemon)" ${word} >/dev/null 2>&1 &
disown; sleep 0.3`;

export const onTheNext: Attack[] = [
  leaves(
    'a process without environment and session',
    (word) => `setsid env -i bash -c 'sleep 300; :' ${word} & disown; sleep 0.2`,
    hasProcess,
  ),
  leaves(
    'processes that start one another without end',
    (word) =>
      daemon(`f() { (sleep 0.01; f) & disown; }; for i in 1 2 3 4 5 6 7 8; do f; done; : ${word}`, word),
    hasProcess,
  ),
  leaves(
    'a process that kills the programs that end it',
    (word) =>
      daemon(
        `trap '' TERM HUP; while :; do for p in /proc/[0-9]*; do
grep -qs 'kill -9 -1' $p/cmdline && [ \${p#/proc/} != $$ ] && kill -9 \${p#/proc/}; done; done 2>/dev/null; : ${word}`,
        word,
      ),
    hasProcess,
  ),
  {
    name: "leaves a process that reads the next task's environment",
    run: async (lab) => {
      const word = lab.word();
      const log = `/tmp/${lab.word()}`;
      await lab.run({
        script: daemon(
          `touch ${log}; while :; do grep -hasz word- /proc/[0-9]*/environ >> ${log}; sleep 0.05; done`,
          'reader',
        ),
      });
      await lab.run({ secrets: { OF_THE_NEXT: word }, script: 'sleep 1' });
      const path = lab.seen(log);
      return existsSync(path) && readFileSync(path, 'latin1').includes(word);
    },
  },
  leaves('a file in /tmp', (word) => `echo > /tmp/${word}`, isIn('/tmp')),
  leaves('a file in /var/tmp', (word) => `echo > /var/tmp/${word}`, isIn('/var/tmp')),
  leaves('a file in /dev/shm', (word) => `echo > /dev/shm/${word}`, isIn('/dev/shm')),
  leaves(
    'a folder that keeps everybody out in /tmp',
    (word) => `mkdir -p /tmp/${word}/x; chmod 0 /tmp/${word}`,
    isIn('/tmp'),
  ),
  leaves(
    'a socket in /tmp',
    (word) => `python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('/tmp/${word}')"`,
    isIn('/tmp'),
  ),
  leaves('a pipe in /tmp', (word) => `mkfifo /tmp/${word}`, isIn('/tmp')),
  leaves(
    'shared memory of System V',
    () => 'ipcmk -M 4343 >&2',
    (_, lab) => / 4343 /.test(ipcOf(lab, 'shm')),
  ),
  leaves(
    'a message queue of System V',
    () => 'ipcmk -Q >&2',
    (_, lab) => ipcOf(lab, 'msg').trim().split('\n').length > 1,
  ),
  leaves(
    'a job for cron',
    (word) => `echo "* * * * * : ${word}" | crontab -`,
    (word, lab) => {
      const folder = lab.seen('/var/spool/cron/crontabs');
      return readdirSync(folder).some((name) => readFileSync(`${folder}/${name}`, 'utf8').includes(word));
    },
  ),
  leaves(
    'a tree deeper than a path can be',
    (word) => `python3 - <<'END'
import os
for depth in range(600):
    os.mkdir('a' * 100)
    os.chdir('a' * 100)
open('${word}', 'w')
END`,
    (_, lab) =>
      readdirSync(`${lab.workDir}/tasks`).some((name) =>
        existsSync(`${lab.workDir}/tasks/${name}/source/${'a'.repeat(100)}`),
      ),
  ),
  leaves(
    'a folder that keeps everybody out in its own',
    (word) => `mkdir -p kept-${word}/x; chmod 0 kept-${word}`,
    (word, lab) =>
      readdirSync(`${lab.workDir}/tasks`).some((name) =>
        existsSync(`${lab.workDir}/tasks/${name}/source/kept-${word}`),
      ),
  ),
  meets(
    'meets the next task in the home of its user: ssh',
    (word) => {
      const home = '$(getent passwd $(id -u) | cut -d: -f6)';
      return `mkdir -p ${home}/.ssh && printf 'Host *\\n  ProxyCommand echo ${word}\\n' > ${home}/.ssh/config && chmod 600 ${home}/.ssh/config`;
    },
    'ssh -G host.example.test | grep -i proxycommand; true',
  ),
  meets(
    'meets the next task in the home of its user: Python',
    (word) =>
      `dir=$(env -u HOME python3 -m site --user-site); mkdir -p "$dir" && echo 'print("${word}")' > "$dir/usercustomize.py"`,
    'env -u HOME python3 -c pass',
  ),
  meets(
    'meets the next task by a name in /tmp that it uses',
    (word) => `echo 'echo ${word}' > /tmp/setup.sh`,
    'bash /tmp/setup.sh; true',
  ),
];
