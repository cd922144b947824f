import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import * as z from 'zod';
import { createdRunner } from '../../protocol/index.ts';
import { it } from '../fixture.ts';
import { type Fixture, openFixture } from './fixture.ts';

const bundle = join(import.meta.dirname, '../../dist/runner-agent/reveille-runner.mjs');
const report = z.object({
  healthy: z.boolean(),
  findings: z.array(
    z.object({ check: z.string(), status: z.string(), detail: z.string(), fix: z.string().optional() }),
  ),
});

let fixture: Fixture;
it.beforeAll(async ({ shared }) => {
  fixture = await openFixture(shared);
});
afterAll(() => fixture?.close());

const configOf = (change: object = {}) => {
  const made = createdRunner.parse(JSON.parse(readFileSync(join(fixture.disk, 'runner.json'), 'utf8')));
  const file = join(fixture.folder, 'doctor.json');
  writeFileSync(file, JSON.stringify({ ...made, workDir: fixture.folder, ...change }), { mode: 0o600 });
  return file;
};

const doctor = async (file: string) => {
  const child = spawn(process.execPath, [bundle, 'doctor', '--config', file, '--json']);
  const closed = once(child, 'close');
  const { healthy, findings } = report.parse(JSON.parse((await child.stdout.toArray()).join('')));
  const [code] = await closed;
  const of = (check: string) => findings.find((finding) => finding.check.startsWith(check));
  return { code, healthy, of };
};

describe('reveille-runner doctor', () => {
  it('finds a good runner healthy', async () => {
    const { code, healthy, of } = await doctor(configOf());
    expect({ code, healthy }).toEqual({ code: 0, healthy: true });
    for (const check of ['tool bash', 'working folder', 'API', 'clock', 'token', 'private key', 'queue']) {
      expect(of(check), check).toMatchObject({ status: 'ok' });
    }
  });

  it('says what to fix when the token, the key, the folder or the URL is wrong', async () => {
    const made = createdRunner.parse(JSON.parse(readFileSync(configOf(), 'utf8')));
    const token = await doctor(configOf({ token: `${made.token}x` }));
    expect(token.code).toBe(1);
    expect(token.of('token')).toMatchObject({ status: 'error', fix: expect.stringContaining('register') });

    const other = generateKeyPairSync('x25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const key = await doctor(configOf({ privateKey: other.privateKey }));
    expect(key.of('token')).toMatchObject({ status: 'ok' });
    expect(key.of('private key')).toMatchObject({ status: 'error' });

    const folder = await doctor(configOf({ workDir: join(fixture.folder, 'none') }));
    expect(folder.of('working folder')).toMatchObject({ status: 'error' });

    const url = await doctor(configOf({ apiUrl: 'http://127.0.0.1:9' }));
    expect(url.of('API')).toMatchObject({ status: 'error', fix: expect.stringContaining('--api-url') });
    expect(url.healthy).toBe(false);
  });
});
