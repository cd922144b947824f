import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RequestSpan } from './gateway/requests.ts';
import { type LocalStack, type LocalStackOptions, startStack } from './stack.ts';
import { templatesIn } from './template/synth.ts';
import { temporaryFolder, until, writeFixture } from './testing/fixture.ts';

/** Answers requests, and prints the messages and events that it received. */
const source = `
  export const handler = async (event) => {
    if (event.Records) console.log('message ' + event.Records.map(({ body }) => body));
    else if (event.detail) console.log('instance ' + event.detail.state);
    else return { statusCode: 200, body: JSON.stringify({ table: process.env.TABLE_NAME, keys: Object.keys(process.env) }) };
    return { batchItemFailures: [] };
  };
`;

const template = temporaryFolder();
const data = temporaryFolder();
const pidFile = join(data.path, 'pids');
const lines: string[] = [];
/** An agent in its own process group that ignores the request to end. */
const stubbornAgent = (configFile: string) => [
  process.execPath,
  '-e',
  `
    process.on('SIGTERM', () => {});
    const { spawn } = require('node:child_process');
    const task = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const { renameSync, writeFileSync } = require('node:fs');
    const half = ${JSON.stringify(`${pidFile}.half`)};
    writeFileSync(half, process.pid + ' ' + task.pid);
    renameSync(half, ${JSON.stringify(pidFile)});
    setInterval(() => {}, 1000);
  `,
  configFile,
];

let stack: LocalStack | undefined;

const start = async (options: Partial<LocalStackOptions> = {}): Promise<LocalStack> => {
  const started = await startStack({
    dataDir: data.path,
    templateDir: template.path,
    log: (origin, line) => lines.push(`${origin}: ${line}`),
    stopGraceMs: 50,
    agentCommand: stubbornAgent,
    ...options,
  });
  stack = started;
  return started;
};
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

beforeAll(() => writeFixture(template.path, source));
afterEach(() => stack?.stop());
afterAll(() => {
  template.remove();
  data.remove();
});

describe('the stack', () => {
  it('serves the API with the environment of the template, and counts the requests', async () => {
    const spans: RequestSpan[] = [];
    const { url, adminToken, requests } = await start({ onRequest: (span) => spans.push(span) });
    expect(adminToken).toBe('tok');
    const answer = await fetch(`${url}/x`);
    const { table, keys } = JSON.parse(await answer.text());
    expect(table).toBe('Reveille-Table');
    expect(keys).toEqual(expect.arrayContaining(['AWS_ENDPOINT_URL', 'AWS_SESSION_TOKEN', 'QUEUE_URL']));
    expect(keys).not.toContain('HOME');
    expect(requests()).toContainEqual({ principal: 'fn', service: 'lambda', operation: 'Invoke', count: 1 });
    const [invocation, request] = spans.slice(-2);
    expect(invocation).toMatchObject({ operation: 'Invoke', traceId: expect.stringMatching(/^Root=/) });
    expect(request).toMatchObject({ principal: 'http', route: 'GET /x' });
    expect(request?.startMs).toBeLessThanOrEqual(invocation?.startMs ?? 0);
  });

  it('rejects a port that is taken', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    const other = temporaryFolder();
    await expect(startStack({ dataDir: other.path, templateDir: template.path, port })).rejects.toMatchObject(
      {
        code: 'EADDRINUSE',
      },
    );
    other.remove();
  });

  it.each([
    ['table', (text: string) => text.replaceAll('"AWS::DynamoDB::Table"', '"AWS::SNS::Topic"')],
    ['key', (text: string) => text.replaceAll('"QUEUE_URL"', '"SECRETS_KEY_ARN"')],
  ])('rejects a template whose %s is in AWS', async (_, change) => {
    const adopting = temporaryFolder();
    writeFixture(adopting.path, source);
    const file = templatesIn(adopting.path).control.path;
    writeFileSync(file, change(readFileSync(file, 'utf8')));
    await expect(start({ templateDir: adopting.path })).rejects.toThrow(
      'leave out tableName and secretsKeyArn',
    );
    adopting.remove();
  });

  it('rejects a data folder that another stack uses', async () => {
    await start();
    await expect(startStack({ dataDir: data.path, templateDir: template.path })).rejects.toThrow(
      'stop the other stack',
    );
  });

  it('boots the agent, notifies functions, keeps the instance over restarts, ends all processes', async () => {
    rmSync(pidFile, { force: true });
    const { ec2, stop } = await start();
    const id = ec2.createStoppedInstance();
    writeFileSync(join(ec2.diskOf(id), 'runner.json'), '{}');
    ec2.start(id);
    await until(() => existsSync(pidFile));
    await until(() => lines.includes('fn: instance running'));
    const pids = readFileSync(pidFile, 'utf8').split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await stop();
    await until(() => !pids.some(isAlive));

    const again = await start();
    expect(again.ec2.list()).toMatchObject([{ id, state: 'running' }]);
    await until(() => !readFileSync(pidFile, 'utf8').startsWith(String(pids[0])));
  });

  it('kills an agent that outlived the stack before it boots another', async () => {
    const { ec2 } = await start({ agentCommand: () => ['true'] });
    const id = ec2.createStoppedInstance();
    const configFile = join(ec2.diskOf(id), 'runner.json');
    writeFileSync(configFile, '{}');
    const leftover = spawn('sh', ['-c', 'sleep 600', configFile], { detached: true, stdio: 'ignore' });
    const ended = once(leftover, 'exit');
    writeFileSync(join(ec2.diskOf(id), 'agent.pid'), String(leftover.pid));
    ec2.start(id);
    expect(await ended).toEqual([null, 'SIGKILL']);
  });
});
