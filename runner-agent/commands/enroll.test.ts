import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EnrollRequest, enrollRequest, keyHeader, signedIdentityHeaders } from '../../protocol/index.ts';
import { agentEnvironment, loadStartConfig } from '../config.ts';
import { createHttpTransport } from '../http-transport.ts';
import { sign } from '../queue/aws-signature.ts';
import { readPrivateKey } from '../secrets/keys.ts';
import { type Imds, startImds } from '../testing/imds.ts';
import { createCli } from './cli.ts';

let imds: Imds;
let api: Server;
let apiUrl: string;
let folder: string;
let config: string;
/** Answers of the API in order. The last one is repeated. */
let answers: { status: number; body: object }[];
let received: EnrollRequest[];

const runnerId = 'run_01ARZ3NDEKTSV4RRFFQ69G5FAV';
const problem = (status: number, code: string) => ({
  status,
  body: { type: 'about:blank', title: code, status, detail: `It is ${code}`, code },
});
const role = 'iam/security-credentials/';
const key = { AccessKeyId: 'ASIATEST', SecretAccessKey: 'secret', Token: 'session+token/=' };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-enroll-'));
  config = join(folder, 'etc', 'runner.json');
  received = [];
  api = createServer(async (request, response) => {
    expect(request.url).toBe('/api/agent/enroll');
    expect(request.headers.authorization).toBeUndefined();
    received.push(enrollRequest.parse(JSON.parse((await request.toArray()).join(''))));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    response.writeHead(answer?.status ?? 500).end(JSON.stringify(answer?.body));
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const address = api.address();
  apiUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  answers = [{ status: 200, body: { apiUrl, token: 'prj.run.secret', runnerId, name: 'sydney-1' } }];
  imds = await startImds();
  imds.set('placement/region', 'ap-southeast-2');
  imds.set('tags/instance/reveille:api', apiUrl);
  imds.set(role, 'Reveille-sydney');
  imds.set(`${role}Reveille-sydney`, JSON.stringify(key));
});
afterEach(async () => {
  await imds?.close();
  api?.closeAllConnections();
  api?.close();
  await rm(folder, { recursive: true });
});

const enroll = async (...more: string[]) => {
  let output = '';
  const stdout = Object.assign(Object.create(process.stdout), {
    write: (text: string) => {
      output += text;
      return true;
    },
  });
  const cli = createCli({
    version: '0.0.0',
    env: agentEnvironment.parse({ REVEILLE_METADATA_URL: imds.url }),
    process: { stdout, stderr: stdout, on: process.on },
    transport: createHttpTransport(),
  });
  await cli.parseAsync(['node', 'reveille-runner', 'enroll', '-c', config, ...more]);
  return output;
};

describe('enrolment', () => {
  it('finds the API by its tag, signs the API and the key, and keeps the private half local', async () => {
    expect(await enroll('--work-dir', '/work')).toContain(`Enrolled as sydney-1 (${runnerId})`);
    const [request] = received;
    if (!request) throw new Error('nothing was sent');
    const { publicKey, region, date, sessionToken, authorization } = request;
    expect({ region, sessionToken }).toEqual({ region: 'ap-southeast-2', sessionToken: key.Token });
    const year = Number(date.slice(0, 4));
    const signedAt = Date.parse(
      `${year}-${date.slice(4, 6)}-${date.slice(6, 11)}:${date.slice(11, 13)}:${date.slice(13)}`,
    );
    const again = await sign(
      {
        url: new URL('https://sts.ap-southeast-2.amazonaws.com/'),
        headers: {
          'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
          'x-reveille-server': new URL(apiUrl).host,
          'x-reveille-key': createHash('sha256').update(publicKey).digest('base64url'),
        },
        body: 'Action=GetCallerIdentity&Version=2011-06-15',
      },
      {
        service: 'sts',
        region,
        key: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey, sessionToken },
        nowMs: signedAt,
      },
    );
    expect(authorization).toBe(again.authorization);
    expect(authorization).toContain(`SignedHeaders=${signedIdentityHeaders(keyHeader).join(';')},`);

    const started = await loadStartConfig({ config }, agentEnvironment.parse({}));
    expect(started).toMatchObject({ apiUrl, token: 'prj.run.secret', workDir: '/work' });
    expect(readPrivateKey(started.privateKey).asymmetricKeyType).toBe('x25519');
    expect(JSON.stringify(received)).not.toContain('PRIVATE');
  });

  it('retries with a new signature while the launch is not recorded or the API is unreachable', async () => {
    answers.unshift(problem(409, 'try_later'), problem(503, 'unavailable'));
    await enroll();
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ publicKey }) => publicKey)).size).toBe(3);
  });

  it('ends when the API refuses it, and leaves nothing behind', async () => {
    answers = [problem(401, 'enrolment_refused')];
    await expect(enroll()).rejects.toMatchObject({ name: 'RunnerRefused' });
    expect(await readdir(join(folder, 'etc'))).toEqual([]);
  });

  it('names the missing metadata of an instance that no fleet launched', async () => {
    imds.set(role, '');
    await expect(enroll()).rejects.toThrow(/The instance has no role/);
    expect(received).toEqual([]);
  });

  it('keeps an existing configuration unless it may replace it', async () => {
    await enroll();
    const before = await readFile(config, 'utf8');
    await expect(enroll()).rejects.toThrow(/is there already/);
    await writeFile(config, '{}');
    await enroll('--force');
    expect(await readFile(config, 'utf8')).toBe(before);
  });
});
