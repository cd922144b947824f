/** Attacks on another task that runs at the same time. */
import type { TaskPayload } from '../../protocol/agent.ts';
import { type Attack, waits } from './attack.ts';
import type { Lab } from './lab.ts';
import { scansMemory } from './on-the-agent.ts';

interface Neighbour {
  name: string;
  /** Payload of the attacked task; `word` is what it keeps to itself. It says "ready", and waits. */
  victim: (word: string, lab: Lab) => Partial<TaskPayload>;
  /** Script that prints the word, or does harm. */
  script: string | ((lab: Lab) => string);
  /** Decides whether the attack reached its goal, by default by the word in its output. */
  reached?: (word: string, output: string) => boolean;
  /** Both tasks are of one project. */
  sameProject?: boolean;
}

const against = ({ name, victim, script, reached, sameProject }: Neighbour): Attack => ({
  name: sameProject ? `${name}, within one project` : name,
  run: async (lab) => {
    const word = lab.word();
    const projectId = lab.project();
    lab.holdOn();
    const attacked = lab.start({ projectId, ...victim(word, lab) });
    await attacked.says('ready');
    const text = typeof script === 'string' ? script : script(lab);
    const { output } = await lab.run({ projectId: sameProject ? projectId : lab.project(), script: text });
    lab.release();
    const { finish } = await attacked.ended;
    if (reached) return reached(word, output);
    // The secret of one task is not masked in the log of another.
    return output.includes(word) && finish !== undefined;
  },
});

/** Finds the process of the attacked task, whose script waits by the lab's command. */
const eachNeighbour = (command: string) =>
  `for pid in $(grep -lsaz '/hold$' /proc/[0-9]*/cmdline | cut -d/ -f3); do ${command}; done 2>/dev/null; true`;

const withSecret = (word: string, lab: Lab): Partial<TaskPayload> => ({
  script: waits(lab),
  secrets: { SECRET_OF_TASK: word },
});
const withFile = (word: string, lab: Lab): Partial<TaskPayload> => ({
  script: waits(lab),
  secretFiles: { SECRET_FILE: `${word}\n` },
});
const writing =
  (path: string) =>
  (word: string, lab: Lab): Partial<TaskPayload> => ({
    script: waits(lab, `echo ${word} > "${path}"`),
  });

const readsEnvironment = {
  name: "reads another task's environment",
  victim: withSecret,
  script: eachNeighbour(`tr '\\0' '\\n' < /proc/$pid/environ`),
};
const readsSecretFile = {
  name: "reads another task's secret file",
  victim: withFile,
  script: ({ workDir }: Lab) => `cat /dev/shm/reveille-*/*/*/* ${workDir}/secrets/*/*/* 2>/dev/null; true`,
};

const playbook = (lab: Lab) => `- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: { msg: ready }
    - ansible.builtin.command: ${lab.hold}
`;

const configuration = (word: string, lab: Lab) => `variable "word" {
  type    = string
  default = "${word}"
}
resource "terraform_data" "slow" {
  input = var.word
  provisioner "local-exec" { command = "echo ready; exec ${lab.hold}" }
}
`;

/** Prints what is in plans, which are zip files, and in state files. */
const readsPlans = ({ workDir }: Lab) => `python3 - /dev/shm/reveille-*/*/rw/plan <<'END'
import sys, zipfile
for path in sys.argv[1:]:
    try: print(zipfile.ZipFile(path).read('tfplan'))
    except OSError as error: print(error)
END
cat ${workDir}/tasks/*/*/terraform.tfstate 2>/dev/null; true`;

const neighbours: Neighbour[] = [
  readsEnvironment,
  { ...readsEnvironment, sameProject: true },
  readsSecretFile,
  { ...readsSecretFile, sameProject: true },
  {
    name: "reads another task's secret file through its process",
    victim: withFile,
    script: eachNeighbour('cat /proc/$pid/root/dev/shm/reveille-*/*/*/*'),
  },
  {
    name: "reads another task's folder",
    victim: writing('kept'),
    script: ({ workDir }: Lab) => `cat ${workDir}/tasks/*/source/kept; true`,
  },
  {
    name: "reads another task's folder through its process",
    victim: writing('kept'),
    script: eachNeighbour('cat /proc/$pid/cwd/kept'),
  },
  {
    name: "reads another task's temporary files",
    victim: writing('$TMPDIR/kept'),
    script: ({ workDir }: Lab) => `cat ${workDir}/tasks/*/home/tmp/kept; true`,
  },
  {
    name: "reads another task's removed file through its descriptor",
    victim: (word, lab) => ({ script: waits(lab, `echo ${word} > kept; exec 7< kept; rm kept`) }),
    script: eachNeighbour('cat /proc/$pid/fd/7'),
  },
  {
    name: "reads another task's memory",
    victim: withSecret,
    script: scansMemory('word-[0-9a-f]{16}', eachNeighbour('python3 scan.py $pid')),
  },
  {
    name: "reads another task's private file in /tmp",
    victim: (word, lab) => ({ script: waits(lab, `umask 077; echo ${word} > /tmp/private`) }),
    script: 'cat /tmp/private; true',
  },
  {
    name: "reads another task's memory in /dev/shm",
    victim: (word, lab) => ({ script: waits(lab, `umask 077; echo ${word} > /dev/shm/private`) }),
    script: 'cat /dev/shm/private; true',
  },
  {
    name: "connects to another task's socket",
    victim: (word, lab) => ({
      app: 'python',
      script: `import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind(os.environ['TMPDIR'] + '/agent')
server.listen()
print('ready', flush=True)
server.settimeout(0.2)
while not os.path.exists('${lab.isOver}'):
    try: server.accept()[0].sendall(b'${word}')
    except TimeoutError: pass`,
    }),
    script: ({ workDir }: Lab) => `python3 - ${workDir}/tasks/*/home/tmp/agent <<'END'
import socket, sys
for path in sys.argv[1:]:
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    print(client.recv(100).decode())
END`,
  },
  {
    name: "removes another task's shared memory",
    victim: (_, lab) => ({ script: waits(lab, 'ipcmk -M 4242 >&2') }),
    script: `id=$(awk '$4 == 4242 { print $2; exit }' /proc/sysvipc/shm); ipcrm -m $id && echo removed`,
    reached: (_, output) => output.includes('removed'),
  },
  {
    name: "kills another task's process",
    victim: (_, lab) => ({ script: waits(lab) }),
    script: eachNeighbour('kill -9 $pid && echo killed'),
    reached: (_, output) => output.includes('killed'),
  },
  {
    name: "stops another task's process",
    victim: (_, lab) => ({ script: waits(lab) }),
    script: eachNeighbour('kill -STOP $pid && kill -CONT $pid && echo stopped'),
    reached: (_, output) => output.includes('stopped'),
  },
  {
    name: "lists other tasks' folders",
    victim: (_, lab) => ({ script: waits(lab) }),
    script: ({ workDir }: Lab) => `ls ${workDir}/tasks`,
    reached: (_, output) => output.includes('tsk_'),
  },
  {
    name: "changes another task's folder",
    victim: (_, lab) => ({ script: waits(lab) }),
    script: ({ workDir }: Lab) =>
      `for d in ${workDir}/tasks/*/source; do [ $d -ef . ] || touch $d/x && echo changed; done`,
    reached: (_, output) => output.includes('changed'),
  },
  {
    name: "reads Ansible's variables of another task",
    victim: (word, lab) => ({
      app: 'ansible',
      script: playbook(lab),
      ansible: { extraVars: { word } },
      inventory: { name: 'here', type: 'static', content: 'localhost ansible_connection=local' },
    }),
    script: 'cat /dev/shm/reveille-*/*/*/extra-vars.json; true',
  },
  {
    name: "reads Terraform's plan and state of another task",
    victim: (word, lab) => ({
      app: 'terraform',
      script: configuration(word, lab),
      terraform: { autoApprove: true, confirmTimeoutMs: 1000 },
    }),
    script: readsPlans,
  },
];

export const onNeighbours = neighbours.map(against);
