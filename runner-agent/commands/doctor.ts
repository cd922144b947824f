/** `reveille-runner doctor`: tests everything that this runner needs, and explains how to fix it. */

import { randomUUID } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import type { CredentialsResponse } from '../../protocol/agent.ts';
import { challengeAgent, openAgentSession } from '../../protocol/endpoints/agent.ts';
import { checkHealth } from '../../protocol/endpoints/service.ts';
import type { ApiClient } from '../api-client.ts';
import { apps } from '../apps/index.ts';
import type { StartConfig } from '../config.ts';
import { ApiProblem, messageOf } from '../errors.ts';
import { findAgentId } from '../host/agent-id.ts';
import { freeMiBIn } from '../host/disk.ts';
import { findProgram } from '../process/programs.ts';
import { findPoolUsers, notSeparated } from '../process/users.ts';
import { decrypt, readPrivateKey } from '../secrets/keys.ts';
import { dropSecretsFolder, secretsFolderOf } from '../task/workspace.ts';

export interface Finding {
  check: string;
  status: 'ok' | 'warning' | 'error';
  detail: string;
  /** Instructions to fix the problem; absent when there is none. */
  fix?: string;
}

export interface DoctorOptions {
  config: StartConfig;
  version: string;
  api: ApiClient;
  /** PATH that is searched for the programs of tasks. */
  path: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Sends a GET; returns the status, and the server's time (ms since the epoch) if the answer has it. */
  get(url: string): Promise<{ status: number; serverTimeMs: number | undefined }>;
  /** Rejects when the queue cannot be polled with the credentials. */
  probeQueue(credentials: CredentialsResponse, queueUrl: string): Promise<void>;
}

const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });
const warning = (check: string, detail: string, fix: string): Finding => ({
  check,
  status: 'warning',
  detail,
  fix,
});
const failure = (check: string, detail: string, fix: string): Finding => ({
  check,
  status: 'error',
  detail,
  fix,
});

const sharedTools = [
  { program: 'git', install: 'the package git', use: 'templates with a repository' },
  { program: 'ssh', install: 'the package openssh-client', use: 'repositories and hosts over ssh' },
  { program: 'sshpass', install: 'the package sshpass', use: 'Ansible hosts with a password' },
];

/** Checks the tools. A missing one is only a warning: a runner need not serve every app. */
const checkTools = async (path: string): Promise<Finding[]> => {
  const ofApps = Object.entries(apps).map(([app, { program, install }]) => ({
    program,
    install,
    use: `templates with the app ${app}`,
  }));
  const tools = [...ofApps, ...sharedTools];
  return Promise.all(
    tools.map(async ({ program, install, use }) => {
      const found = await findProgram(path, program);
      const check = `tool ${program}`;
      if (found) return ok(check, found);
      return warning(check, `It is not installed, so ${use} fail here`, `For those install ${install}`);
    }),
  );
};

const checkFolders = async ({ workDir, minFreeMiB = 0 }: StartConfig): Promise<Finding[]> => {
  try {
    await access(workDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const fix =
      'Make it, give it to the user of the agent, and run this as that user; or give another by --work-dir';
    return [failure('working folder', `${workDir} cannot be written: ${messageOf(error)}`, fix)];
  }
  const freeMiB = await freeMiBIn(workDir);
  const space =
    freeMiB >= minFreeMiB
      ? ok('working folder', `${workDir}, ${freeMiB} MiB free`)
      : failure('working folder', `${workDir} has ${freeMiB} MiB free`, `Free ${minFreeMiB} MiB there`);
  const secrets = await secretsFolderOf(workDir);
  await dropSecretsFolder(workDir);
  const isOnDisk = secrets.startsWith(workDir);
  return [
    space,
    isOnDisk
      ? warning('secrets', `They are kept on the disk, in ${secrets}`, 'Let this user write to /dev/shm')
      : ok('secrets', `They are kept in memory, in ${secrets}`),
  ];
};

const checkUsers = async (): Promise<Finding[]> => {
  const users = await findPoolUsers();
  const check = 'users of tasks';
  if (users) return [ok(check, `${users.tasks.length} for tasks, ${users.caches.length} for caches`)];
  return [warning(check, notSeparated.happened, notSeparated.fix)];
};

/** AWS refuses signatures that are more than 5 minutes off (AWS: Signature Version 4). */
const refusedSkewMs = 300_000;
const tolerableSkewMs = 30_000;

const judgeClock = (skewMs: number): Finding => {
  const detail = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the API's`;
  const fix = 'Set the clock by NTP (chronyd, systemd-timesyncd)';
  if (Math.abs(skewMs) <= tolerableSkewMs) return ok('clock', detail);
  return Math.abs(skewMs) < refusedSkewMs ? warning('clock', detail, fix) : failure('clock', detail, fix);
};

const checkNetwork = async ({ config, get, now }: DoctorOptions): Promise<Finding[]> => {
  const url = config.apiUrl.replace(/\/+$/, '') + checkHealth.path;
  const sentAt = now();
  try {
    const { status, serverTimeMs } = await get(url);
    const answeredAt = now();
    if (status !== 200) {
      const fix = 'Check that --api-url is the one of the Reveille API, and look at its health';
      return [failure('API', `${url} answers ${status}`, fix)];
    }
    const reached = ok('API', `${url} answers in ${answeredAt - sentAt} ms`);
    if (serverTimeMs === undefined) return [reached];
    // The Date header has whole seconds, rounded down: on average it is half a second late.
    return [reached, judgeClock((sentAt + answeredAt) / 2 - (serverTimeMs + 500))];
  } catch (error) {
    const fix = 'Check --api-url, DNS, and that the way out to it is open';
    return [failure('API', `${url} cannot be reached: ${messageOf(error)}`, fix)];
  }
};

const registerAgain = 'Register this machine again (reveille-runner register), or correct the config file';

interface Session {
  findings: Finding[];
  credentials?: CredentialsResponse;
}

/**
 * Authenticates as the agent does at its start: the token gets a challenge, and only the right key can read
 * it.
 */
const checkIdentity = async ({ config, version, api }: DoctorOptions): Promise<Session> => {
  const bearer = config.token;
  let challenge: string;
  try {
    ({ challenge } = await api.call(challengeAgent, { bearer }));
  } catch (error) {
    return { findings: [failure('token', messageOf(error), registerAgain)] };
  }
  const token = ok('token', 'The API knows it');
  // Uses the id of the agent on this machine, so that the API does not see a second one.
  const agentId = (await findAgentId(config.workDir)) ?? randomUUID();
  let answer: string;
  try {
    answer = await decrypt(challenge, readPrivateKey(config.privateKey));
  } catch (error) {
    const detail = `It does not open what is encrypted to this runner: ${messageOf(error)}`;
    return { findings: [token, failure('private key', detail, registerAgain)] };
  }
  try {
    const credentials = await api.call(openAgentSession, {
      bearer,
      body: { answer, agentVersion: version, agentId, isStart: false },
    });
    const key = ok('private key', `It is that of ${credentials.runnerId}`);
    return { findings: [token, key], credentials };
  } catch (error) {
    const isTaken = error instanceof ApiProblem && error.code === 'agent_running';
    const finding = isTaken
      ? warning('private key', messageOf(error), 'If that is not the agent of this machine, stop it')
      : failure('private key', messageOf(error), registerAgain);
    return { findings: [token, finding] };
  }
};

const checkQueues = async (
  credentials: CredentialsResponse,
  probeQueue: DoctorOptions['probeQueue'],
): Promise<Finding[]> => {
  const { queueUrls } = credentials.settings;
  if (queueUrls.length === 0) {
    const fix = 'Make the runner active, and check its project and tags';
    return [warning('queues', 'The runner has none to poll', fix)];
  }
  return Promise.all(
    queueUrls.map(async (url) => {
      const check = `queue ${url.split('/').at(-1)}`;
      try {
        await probeQueue(credentials, url);
        return ok(check, 'It can be polled');
      } catch (error) {
        const fix = 'Check that the way out to SQS is open, and the clock right';
        return failure(check, messageOf(error), fix);
      }
    }),
  );
};

/** Runs all checks. Never rejects because of a failed check: each failure is a finding. */
export const examine = async (options: DoctorOptions): Promise<Finding[]> => {
  const { config, path, probeQueue } = options;
  const [tools, folders, users, network] = await Promise.all([
    checkTools(path),
    checkFolders(config),
    checkUsers(),
    checkNetwork(options),
  ]);
  const here = [...tools, ...folders, ...users, ...network];
  const isReached = network.some(({ check, status }) => check === 'API' && status === 'ok');
  if (!isReached || folders.some(({ status }) => status === 'error')) return here;
  const { findings, credentials } = await checkIdentity(options);
  const queues = credentials ? await checkQueues(credentials, probeQueue) : [];
  return [...here, ...findings, ...queues];
};

const signs = { ok: 'ok  ', warning: 'warn', error: 'FAIL' };

/** Formats the findings for people, one a line, with the fix under each failure. */
export const describeFindings = (findings: readonly Finding[]): string =>
  findings
    .map(({ check, status, detail, fix }) => {
      const line = `${signs[status]}  ${check}: ${detail}`;
      return fix ? `${line}\n      ${fix}.` : line;
    })
    .join('\n');
