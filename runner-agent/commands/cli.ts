/** Command line of the agent. */
import { hostname } from 'node:os';
import { Command } from 'commander';
import * as z from 'zod';
import { createApiClient } from '../api-client.ts';
import {
  type AgentEnvironment,
  configPathOf,
  defaultConfigPath,
  defaultMinFreeMiB,
  defaultWorkDir,
  duration,
  type Flags,
  loadGiven,
  loadStartConfig,
  parseGiven,
  requireConnection,
} from '../config.ts';
import { ConfigError } from '../errors.ts';
import { defaultMetadataUrl } from '../host/metadata.ts';
import { runUntilReclaimed } from '../host/reclaim.ts';
import type { HttpTransport } from '../http-transport.ts';
import { createLogger } from '../logger.ts';
import { findPoolUsers, notSeparated } from '../process/users.ts';
import { createSqsTaskQueue } from '../queue/task-queue.ts';
import { shutdownBySignals } from '../shutdown.ts';
import { systemTiming } from '../timing.ts';
import { describeFindings, examine } from './doctor.ts';
import { enroll } from './enroll.ts';
import { register } from './register.ts';
import { unregister } from './unregister.ts';

export interface CliOptions {
  version: string;
  env: AgentEnvironment;
  process: Pick<NodeJS.Process, 'on' | 'stdout' | 'stderr'>;
  transport: HttpTransport;
}

/** Sends a GET with fetch. Only the doctor uses this: it need not save memory like the agent. */
const getOnce = async (url: string) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  await response.arrayBuffer();
  const date = response.headers.get('date');
  return { status: response.status, serverTimeMs: date === null ? undefined : Date.parse(date) };
};

const registerFlags = z.object({
  registrationToken: z.string().optional(),
  name: z.string().optional(),
  maxParallelTasks: z.coerce.number().int().min(0).optional(),
  idleTimeout: duration.optional(),
  instanceId: z.string().optional(),
  region: z.string().optional(),
  force: z.boolean().default(false),
});

const precedence = `
Every flag can also be an environment variable; connection and folder can stand in the config file (JSON) too.
A flag wins over the environment, and the environment over the file.`;

const connectionHelp = `${precedence}
  REVEILLE_CONFIG, REVEILLE_API_URL, REVEILLE_RUNNER_TOKEN, REVEILLE_RUNNER_PRIVATE_KEY_FILE,
  REVEILLE_RUNNER_PRIVATE_KEY, REVEILLE_WORK_DIR, REVEILLE_SHUTDOWN_GRACE, REVEILLE_LOG_LEVEL,
  REVEILLE_MIN_FREE_MIB, REVEILLE_METADATA_URL
  file: apiUrl, token, privateKeyFile or privateKey, workDir, shutdownGrace, logLevel, minFreeMib,
  metadataUrl`;

const unregisterHelp = `${precedence}
  REVEILLE_CONFIG, REVEILLE_API_URL, REVEILLE_RUNNER_TOKEN
  file: apiUrl, token`;

const registerHelp = `${precedence}
  REVEILLE_CONFIG, REVEILLE_API_URL, REVEILLE_REGISTRATION_TOKEN, REVEILLE_RUNNER_NAME, REVEILLE_WORK_DIR,
  REVEILLE_MAX_PARALLEL_TASKS, REVEILLE_IDLE_TIMEOUT, REVEILLE_INSTANCE_ID, REVEILLE_REGION`;

const enrollHelp = `
No secret is needed: the instance proves by the role of its instance profile which one it is, and its tag reveille:api says where
the API is. It tries until the API takes it.${precedence}
  REVEILLE_CONFIG, REVEILLE_API_URL, REVEILLE_WORK_DIR, REVEILLE_METADATA_URL, AWS_ENDPOINT_URL_STS`;

export const createCli = ({ version, env, process, transport }: CliOptions): Command => {
  const connect = (apiUrl: string) =>
    createApiClient({ apiUrl, transport, userAgent: `reveille-runner/${version}` });
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const loggerAt = (level: Parameters<typeof createLogger>[2]) =>
    createLogger((line) => process.stderr.write(line), systemTiming.now, level);

  const cli = new Command('reveille-runner')
    .description('The agent of Reveille: takes tasks from its queues and runs them on this machine.')
    .version(version, '-V, --version')
    .showHelpAfterError('(see --help)');

  const command = (name: string, description: string) =>
    cli
      .command(name)
      .description(description)
      .option('-c, --config <file>', `config file (default: ${defaultConfigPath})`)
      .option('--api-url <url>', 'URL of the Reveille API');

  command('start', 'Polls for tasks and runs them, until it is stopped')
    .option('--token <token>', "the runner's token (better in the config file: flags are seen in ps)")
    .option('--private-key-file <file>', "file with the runner's X25519 private key (PEM)")
    .option('--work-dir <folder>', `where tasks work (default: ${defaultWorkDir})`)
    .option('--shutdown-grace <duration>', 'how long running tasks may go on after SIGTERM (default: 60s)')
    .option('--log-level <level>', 'debug, info, warn or error (default: info)')
    .option(
      '--min-free-mib <number>',
      `free disk space that a task needs to start (default: ${defaultMinFreeMiB})`,
    )
    .addHelpText('after', connectionHelp)
    .action(async (flags: Flags) => {
      const config = await loadStartConfig(flags, env);
      const log = loggerAt(config.logLevel);
      const agent = { config, version, transport, timing: systemTiming, log, path: env.PATH };
      await runUntilReclaimed(agent, shutdownBySignals(process));
    });

  command('doctor', 'Tries everything that this runner needs, and says what to fix')
    .option('--token <token>', "the runner's token")
    .option('--private-key-file <file>', "file with the runner's X25519 private key (PEM)")
    .option('--work-dir <folder>', `where tasks work (default: ${defaultWorkDir})`)
    .option('--min-free-mib <number>', 'free disk space that a task needs to start')
    .option('--json', 'say it as JSON, for programs')
    .addHelpText('after', `${connectionHelp}\nIts exit code is 0 when nothing is wrong, and 1 otherwise.`)
    .action(async ({ json, ...flags }: Flags & { json?: boolean }) => {
      const config = await loadStartConfig(flags, env);
      const findings = await examine({
        config,
        version,
        api: connect(config.apiUrl),
        path: env.PATH,
        now: systemTiming.now,
        get: getOnce,
        probeQueue: (credentials, url) =>
          createSqsTaskQueue(async () => credentials, transport, systemTiming).probe(url),
      });
      const failed = findings.filter(({ status }) => status === 'error').length;
      say(json ? JSON.stringify({ healthy: failed === 0, findings }) : describeFindings(findings));
      if (failed > 0) throw new Error(`${failed} of ${findings.length} checks failed`);
    });

  command('register', 'Makes a key pair, registers this machine as a runner and writes the config file')
    .option('--registration-token <token>', 'from the console; good for as many registrations as it has uses')
    .option('--name <name>', 'name of the runner (default: the host name)')
    .option('--max-parallel-tasks <number>', 'tasks at a time, 0 = no limit (default: 1)')
    .option(
      '--idle-timeout <duration>',
      'how long the instance stays on without work (default: only for the minute that each start bills)',
    )
    .option('--instance-id <id>', 'the EC2 instance that is started and stopped for this runner')
    .option('--region <region>', "the instance's region")
    .option('--work-dir <folder>', `where tasks work (default: ${defaultWorkDir})`)
    .option('--force', 'replace a config file that is there')
    .addHelpText('after', registerHelp)
    .action(async (flags: Flags & Record<string, unknown>) => {
      const own = parseGiven(registerFlags, flags, 'Command line');
      const apiUrl = flags.apiUrl ?? env.REVEILLE_API_URL;
      const registrationToken = own.registrationToken ?? env.REVEILLE_REGISTRATION_TOKEN;
      if (!apiUrl) throw new ConfigError('Give --api-url or REVEILLE_API_URL');
      if (!registrationToken) {
        throw new ConfigError(
          'Give --registration-token or REVEILLE_REGISTRATION_TOKEN (the console makes one)',
        );
      }
      const configPath = configPathOf(flags, env);
      const { runnerId, name } = await register(connect(apiUrl), {
        apiUrl,
        registrationToken,
        configPath,
        workDir: flags.workDir ?? env.REVEILLE_WORK_DIR,
        force: own.force,
        request: {
          name: own.name ?? env.REVEILLE_RUNNER_NAME ?? hostname(),
          maxParallelTasks: own.maxParallelTasks ?? env.REVEILLE_MAX_PARALLEL_TASKS,
          idleTimeoutMs: own.idleTimeout ?? env.REVEILLE_IDLE_TIMEOUT,
          instanceId: own.instanceId ?? env.REVEILLE_INSTANCE_ID,
          region: own.region ?? env.REVEILLE_REGION,
        },
      });
      say(`Registered ${name} as ${runnerId} and wrote ${configPath}.`);
      if (!(await findPoolUsers())) say(`${notSeparated.happened}. ${notSeparated.fix}`);
    });

  command('enroll', 'Enrols this EC2 instance, which a fleet launched, and writes the config file')
    .option('--work-dir <folder>', `where tasks work (default: ${defaultWorkDir})`)
    .option('--metadata-url <url>', `of the instance metadata service (default: ${defaultMetadataUrl})`)
    .option('--force', 'replace a config file that is there')
    .addHelpText('after', enrollHelp)
    .action(async ({ force = false, ...flags }: Flags & { force?: boolean }) => {
      const configPath = configPathOf(flags, env);
      const { runnerId, name } = await enroll({
        apiUrl: flags.apiUrl ?? env.REVEILLE_API_URL,
        connect,
        metadataUrl: flags.metadataUrl ?? env.REVEILLE_METADATA_URL ?? defaultMetadataUrl,
        stsEndpoint: env.AWS_ENDPOINT_URL_STS,
        configPath,
        workDir: flags.workDir ?? env.REVEILLE_WORK_DIR,
        force,
        timing: systemTiming,
        log: loggerAt('info'),
      });
      say(`Enrolled as ${name} (${runnerId}) and wrote ${configPath}.`);
    });

  command('unregister', 'Removes this runner from Reveille, and the config file and key from this machine')
    .option('--token <token>', "the runner's token")
    .addHelpText('after', unregisterHelp)
    .action(async (flags: Flags) => {
      const { apiUrl, token } = requireConnection(await loadGiven(flags, env));
      const configPath = configPathOf(flags, env);
      await unregister(connect(apiUrl), { token, configPath, log: loggerAt('info') });
      say(`Unregistered; removed ${configPath} and its key.`);
    });

  command('setup', 'Asks for what a runner needs and writes the config file').action(async (flags: Flags) => {
    // Only this command prompts: the others start without loading the prompts.
    const { setup } = await import('./setup.ts');
    const configPath = configPathOf(flags, env);
    const apiUrl = flags.apiUrl ?? env.REVEILLE_API_URL;
    await setup({ apiUrl, configPath, hostName: hostname(), connect, say });
  });

  return cli;
};
