/** Runs the stack on one machine until the user stops it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openLogFiles } from './log-files.ts';
import type { SignIn } from './sample/index.ts';
import { seeded } from './seeded.ts';
import { type LocalStack, startStack } from './stack.ts';
import { welcome } from './welcome.ts';

export interface Flags {
  readonly port: number;
  readonly data: string;
  readonly pendingMs: number;
  readonly bootMs: number;
  readonly stopMs: number;
  readonly verbose: boolean;
  readonly sample: boolean;
}

/** Instances of a new stack, so that a newcomer can bind runners at once. */
const seededInstances = 3;

const seed = ({ ec2 }: LocalStack): void => {
  if (ec2.list().length > 0) return;
  for (let made = 0; made < seededInstances; made += 1) ec2.createStoppedInstance();
};

/** Fixed seed: the sample has the same numbers at every start. */
const sampleSeed = 1;

const fill = async (stack: LocalStack, dataDir: string): Promise<SignIn | undefined> => {
  if (stack.adminToken === undefined) {
    console.log(`There is data in ${dataDir} already: for the sample choose an empty folder with --data.`);
    return undefined;
  }
  console.log('Making the sample project, with a week of history…');
  // Loaded here: it brings the flows and the AWS SDK along, 30 MB of memory that no other start needs.
  const { makeSample } = await import('./sample/index.ts');
  // Random, so that only a reader of the terminal can sign in as the admin.
  const password = randomBytes(12).toString('base64url');
  return makeSample({ stack, nowMs: Date.now(), random: seeded(sampleSeed), password });
};

const shorter = (path: string): string => {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
};

const freeInstance = ({ ec2 }: LocalStack) =>
  ec2
    .list()
    .filter(({ state }) => state === 'stopped')
    .map(({ id }) => ({ id, configFile: shorter(join(ec2.diskOf(id), 'runner.json')) }))
    .find(({ configFile }) => !existsSync(configFile));

const describeFailure = (error: unknown, port: number): string => {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `Port ${port} is in use: stop what uses it, or choose another with PORT=${port + 1} npm start.`;
  }
  return error.message;
};

export const run = async (flags: Flags): Promise<void> => {
  const files = openLogFiles(join(flags.data, 'logs'), () => new Date());
  const abort = new AbortController();
  let stack: LocalStack | undefined;
  let isStopping = false;

  const stop = async () => {
    if (isStopping) process.exit(130);
    isStopping = true;
    console.log('\nStopping (once more to stop at once)…');
    abort.abort();
    await stack?.stop();
    await files.close();
    process.exit(0);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // Runs also when this process fails: none of its processes may survive.
  process.on('exit', () => stack?.pullPlugs());

  try {
    stack = await startStack({
      dataDir: flags.data,
      port: flags.port,
      delays: { pendingMs: flags.pendingMs, bootMs: flags.bootMs, stoppingMs: flags.stopMs },
      signal: abort.signal,
      log: (source, line) => {
        files.log(source, line);
        if (flags.verbose || source === 'ec2' || source === 'stack') console.log(`[${source}] ${line}`);
      },
    });
  } catch (error) {
    if (isStopping) return;
    console.error(describeFailure(error, flags.port));
    process.exit(1);
  }
  const signIn = flags.sample ? await fill(stack, flags.data) : undefined;
  seed(stack);
  const instance = freeInstance(stack);
  const { url, adminToken } = stack;
  console.log(
    welcome({
      url,
      dataDir: flags.data,
      adminToken,
      instance,
      signIn,
    }),
  );
};
