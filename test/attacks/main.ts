/**
 * `npm run test:attacks`: what tasks try against the agent, its machine and each other. Each attack first has
 * to succeed on an agent without separation, in the same run, and then to fail on one with it.
 */
import { readFileSync } from 'node:fs';
import type { Attack } from './attack.ts';
import { type Kind, type Lab, openLab } from './lab.ts';
import { enterNamespaces, isInside, missingTools, prepareMachine, unitCapabilities } from './machine.ts';
import { onCaches } from './on-caches.ts';
import { onFolders } from './on-folders.ts';
import { onNeighbours } from './on-neighbours.ts';
import { onTheAgent } from './on-the-agent.ts';
import { onTheNetwork, openMetadata } from './on-the-network.ts';
import { onTheNext } from './on-the-next.ts';

interface Verdict {
  attack: Attack;
  /** Number of tries until it succeeded; undefined when it never did. */
  control: number | undefined;
  apart: number | undefined;
  errors: string[];
}

const attempt = async (attack: Attack, lab: Lab, verdict: Verdict): Promise<number | undefined> => {
  for (let tried = 1; tried <= (attack.tries ?? 1); tried += 1) {
    const began = performance.now();
    const reached = await attack.run(lab).catch((error: unknown) => {
      verdict.errors.push(`${lab.kind}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    });
    const ms = Math.round(performance.now() - began);
    console.error(`${lab.kind} ${reached ? 'reached' : 'failed'} in ${ms} ms: ${attack.name}`);
    if (reached) return tried;
  }
  return undefined;
};

/** One lab tries all attacks in turn, as some look at all that runs. */
const tryAll = async (lab: Lab, verdicts: readonly Verdict[], key: 'control' | 'apart') => {
  for (const verdict of verdicts) verdict[key] = await attempt(verdict.attack, lab, verdict);
};

/** Compares the capabilities of the running agent with those of the unit (capabilities(7)). */
const checkCapabilities = ({ agentPid }: Lab) => {
  const bits: Record<string, number> = {
    chown: 0,
    dac_override: 1,
    fowner: 3,
    kill: 5,
    setgid: 6,
    setuid: 7,
  };
  const expected = unitCapabilities().reduce((sum, name) => sum | (1n << BigInt(bits[name] ?? 63)), 0n);
  const status = readFileSync(`/proc/${agentPid}/status`, 'utf8');
  const [, bounding = ''] = /^CapBnd:\s*(\w+)/m.exec(status) ?? [];
  if (BigInt(`0x${bounding}`) !== expected)
    throw new Error(
      `The agent has the capabilities ${bounding}, and the unit ${unitCapabilities().join(' ')}`,
    );
};

const print = (verdicts: readonly Verdict[], seconds: number): number => {
  const isFailed = ({ control, apart, errors }: Verdict) =>
    control === undefined || apart !== undefined || errors.length > 0;
  const width = Math.max(...verdicts.map(({ attack }) => attack.name.length));
  const tried = (count: number | undefined, { tries = 1 }: Attack) =>
    count === undefined ? `fails ${tries}` : `succeeds ${count}`;
  console.log(`\n${'a task…'.padEnd(width)}  without     apart`);
  for (const verdict of verdicts) {
    const { attack, control, apart, errors } = verdict;
    const line = `${attack.name.padEnd(width)}  ${tried(control, attack).padEnd(10)}  ${tried(apart, attack).padEnd(10)}`;
    console.log(isFailed(verdict) ? `${line}  FAILED ${errors.join('; ')}` : line);
  }
  const failed = verdicts.filter(isFailed).length;
  console.log(
    `\n${verdicts.length} attacks in ${seconds} s: ${failed === 0 ? 'all are fended off' : `${failed} FAILED`}`,
  );
  return failed;
};

const runInside = async (): Promise<number> => {
  await prepareMachine();
  const metadata = await openMetadata();
  const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const attacks = [
    ...onTheAgent,
    ...onNeighbours,
    ...onTheNext,
    ...onCaches,
    ...onFolders,
    ...onTheNetwork(metadata),
  ].filter(({ name }) => only.every((word) => name.includes(word)));
  const verdicts = attacks.map(
    (attack): Verdict => ({ attack, control: undefined, apart: undefined, errors: [] }),
  );
  const began = performance.now();
  const kinds: Kind[] = ['apart', 'plain', 'root'];
  const [apart, plain, root] = await Promise.all(kinds.map(openLab));
  if (!apart || !plain || !root) throw new Error('A lab is missing');
  checkCapabilities(apart);
  const against = (kind: Kind) => verdicts.filter(({ attack }) => (attack.control ?? 'plain') === kind);
  await Promise.all([
    tryAll(apart, verdicts, 'apart'),
    tryAll(plain, against('plain'), 'control'),
    tryAll(root, against('root'), 'control'),
  ]);
  await Promise.all([apart, plain, root].map((lab) => lab.close()));
  return print(verdicts, Math.round((performance.now() - began) / 1000));
};

if (process.getuid?.() !== 0) throw new Error('The attacks need root, to be many users: run them as root');
const missing = missingTools();
if (missing.length > 0)
  throw new Error(`These tools are missing, so attacks cannot be tried: ${missing.join(', ')}`);
process.exit(isInside() ? Math.min(1, await runInside()) : enterNamespaces());
