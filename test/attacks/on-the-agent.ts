/** Attacks on the agent: its files, its memory, its process. In bash of a task, $PPID is the agent. */
import { type Attack, does, goal, reads } from './attack.ts';

/** Python that calls a function of the C library; prints when it succeeds. */
const callsC = (call: string) => `python3 - $PPID <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
if ${call} == 0: print('reached its goal')
END`;

/** Writes a program that prints what in a process's writable memory has the pattern, and calls it. */
export const scansMemory = (pattern: string, calls: string) => `cat > scan.py <<'END'
import re, sys
pid = sys.argv[1]
memory = open('/proc/' + pid + '/mem', 'rb')
for line in open('/proc/' + pid + '/maps'):
    area, mode = line.split()[:2]
    if not mode.startswith('rw'): continue
    start, end = (int(part, 16) for part in area.split('-'))
    try:
        memory.seek(start)
        for found in re.findall(rb'${pattern}', memory.read(end - start)): print(found.decode())
    except OSError: pass
END
${calls}`;

export const onTheAgent: Attack[] = [
  reads("reads the agent's configuration", ({ etc }) => `cat ${etc}/runner.json`),
  reads("reads the agent's private key", ({ etc }) => `cat ${etc}/runner.key`),
  reads("reads the agent's environment", `tr '\\0' '\\n' < /proc/$PPID/environ`),
  reads("reads the agent's memory", scansMemory('global\\.run_test\\.[s]ecret', 'python3 scan.py $PPID')),
  reads(
    "reads the agent's files through its root folder",
    ({ etc }) => `cat /proc/$PPID/root${etc}/runner.json`,
  ),
  reads(
    "reads the agent's files through its working folder",
    ({ etc }) => `cat /proc/$PPID/cwd/../../../../../../..${etc}/*`,
  ),
  does("lists the agent's open files", `ls /proc/$PPID/fd && ${goal}`),
  does("writes to the agent's log", `[ -w /proc/$PPID/fd/2 ] && ${goal}`),
  // PTRACE_SEIZE (ptrace(2)): the agent goes on.
  does('attaches a debugger to the agent', callsC('libc.ptrace(0x4206, pid, 0, 0)')),
  does(
    "copies from the agent's memory by process_vm_readv",
    `python3 - $PPID <<'END'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
start = [int(line.split('-')[0], 16) for line in open('/proc/%d/maps' % pid) if ' r' in line][0]
class Part(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
buffer = ctypes.create_string_buffer(16)
own, other = Part(ctypes.addressof(buffer), 16), Part(start, 16)
if libc.process_vm_readv(pid, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) == 16: print('reached its goal')
END`,
  ),
  does('signals the agent', `kill -CONT $PPID && ${goal}`),
  does(
    "opens the agent's debugger port",
    `kill -USR1 $PPID && curl -sf --retry 20 --retry-connrefused --retry-delay 1 --retry-max-time 15 http://127.0.0.1:9229/json && ${goal}`,
  ),
  does("changes the agent's limits", `prlimit --pid $PPID --core=0:0 && ${goal}`),
  does("changes the agent's priority", `renice -n 1 -p $PPID && ${goal}`),
  does("changes the agent's processors", callsC('libc.sched_setaffinity(pid, 128, bytes([255] * 128))')),
  does('has the system end the agent first', `echo 500 > /proc/$PPID/oom_score_adj && ${goal}`),
  does("changes the agent's configuration", ({ etc }) => `echo >> ${etc}/runner.json && ${goal}`),
  does("puts a file beside the agent's configuration", ({ etc }) => `touch ${etc}/more && ${goal}`),
  does("puts code into the agent's compile cache", ({ etc }) => `touch ${etc}/../cache/more && ${goal}`),
  does(
    'forges a result of another task',
    ({ workDir }) => `mkdir -p ${workDir}/results && touch ${workDir}/results/tsk.json && ${goal}`,
  ),
  does("reads the agent's id", ({ workDir }) => `cat ${workDir}/agent-id && ${goal}`),
  does("takes over the agent's id", ({ workDir }) => `echo >> ${workDir}/agent-id && ${goal}`),
  does(
    'puts a folder into the working folder',
    ({ workDir, word }) => `mkdir ${workDir}/${word()} && ${goal}`,
  ),
  does(
    'renames a folder of the agent',
    ({ workDir }) => `mv ${workDir}/tasks ${workDir}/old && mv ${workDir}/old ${workDir}/tasks && ${goal}`,
  ),
];
