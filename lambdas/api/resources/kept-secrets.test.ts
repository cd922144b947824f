/** Secrets of keys and environments that a PUT keeps, as a task then gets them. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { environment, key, project } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let base: string;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  base = `/api/projects/${project.parse(await api.call('POST', '/api/projects', { name: 'Web' })).id}`;
});
afterAll(() => table?.close());

const stored = async (id: string) => (await table.dump()).find(({ sk }) => sk === id);
const errors = z.object({ errors: z.array(z.object({ path: z.string() })) });

describe('replacing an environment', () => {
  const anEnvironment = async () => {
    const body = {
      name: unique('production'),
      variables: { A: '1' },
      secrets: { TOKEN: 'token-1', OTHER: 'other-1' },
      secretFiles: { CERT: 'cert-1' },
    };
    const { id } = environment.parse(await api.call('POST', `${base}/environments`, body));
    const replace = async (update: object) =>
      environment.parse(await api.call('PUT', `${base}/environments/${id}`, update));
    return { id, replace };
  };

  it('keeps all secrets when it is renamed', async () => {
    const { id, replace } = await anEnvironment();
    const name = unique('live');
    const renamed = await replace({ name });
    expect(renamed).toMatchObject({ secretNames: ['OTHER', 'TOKEN'], secretFileNames: ['CERT'] });
    expect(JSON.stringify(renamed)).not.toContain('token-1');
    expect(await stored(id)).toMatchObject({
      name,
      variables: {},
      secrets: { TOKEN: 'token-1', OTHER: 'other-1' },
      secretFiles: { CERT: 'cert-1' },
    });
  });

  it('replaces a secret that is sent, removes one that is null, and adds a new one', async () => {
    const { id, replace } = await anEnvironment();
    await replace({
      name: unique('live'),
      secrets: { TOKEN: 'token-2', OTHER: null, NEW: 'new-1', NEVER: null },
      secretFiles: { CERT: null },
    });
    expect((await stored(id))?.secrets).toEqual({ TOKEN: 'token-2', NEW: 'new-1' });
    expect((await stored(id))?.secretFiles).toEqual({});
  });

  it('moves a name from secrets to secret files, and rejects it in both', async () => {
    const { id, replace } = await anEnvironment();
    const both = { name: unique('live'), secretFiles: { TOKEN: 'file' } };
    const refused = await api.refused('PUT', `${base}/environments/${id}`, { body: both });
    expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ path: 'secretFiles' }] });
    await replace({ ...both, secrets: { TOKEN: null } });
    expect(await stored(id)).toMatchObject({ secrets: { OTHER: 'other-1' }, secretFiles: { TOKEN: 'file' } });
  });

  it('rejects secrets that are too large together with the kept ones', async () => {
    const { id } = await anEnvironment();
    const many = Object.fromEntries(Array.from({ length: 199 }, (_, n) => [`N${n}`, 'x']));
    const body = { name: unique('live'), secrets: many };
    const refused = await api.refused('PUT', `${base}/environments/${id}`, { body });
    expect(errors.parse(refused).errors).toMatchObject([{ path: 'secrets' }]);
  });
});

describe('replacing a key', () => {
  const aKey = async (secret: object) => {
    const name = unique('A key');
    const { id } = key.parse(await api.call('POST', `${base}/keys`, { name, secret }));
    const replace = async (update: object) =>
      key.parse(await api.call('PUT', `${base}/keys/${id}`, { name, ...update }));
    return { id, name, replace, path: `${base}/keys/${id}` };
  };

  it.each([
    { type: 'none' },
    { type: 'string', value: 'value-1' },
    { type: 'login_password', login: 'ada', password: 'password-1' },
  ])('keeps the secret of the type $type when it is renamed', async (secret) => {
    const { id, replace } = await aKey(secret);
    const name = unique('Renamed');
    expect(await replace({ name })).toMatchObject({ name, type: secret.type });
    expect((await stored(id))?.secret).toEqual(secret);
  });

  it('shows the login, and keeps the password when only the login is sent', async () => {
    const { id, replace } = await aKey({ type: 'login_password', login: 'ada', password: 'password-1' });
    const shown = await replace({ secret: { type: 'login_password', login: 'grace' } });
    expect(shown).toMatchObject({ login: 'grace' });
    expect(JSON.stringify(shown)).not.toContain('password-1');
    expect((await stored(id))?.secret).toEqual({
      type: 'login_password',
      login: 'grace',
      password: 'password-1',
    });
  });

  it('shows algorithm and fingerprint of an SSH key, and rejects an unusable one by its field', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const ssh = { type: 'ssh', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    const { path, name, replace } = await aKey(ssh);
    const shown = { algorithm: 'ssh-ed25519', fingerprint: expect.stringMatching(/^SHA256:\S{43}$/) };
    expect(await api.call('GET', path)).toMatchObject(shown);
    expect(await replace({ name: unique('Renamed') })).toMatchObject(shown);
    for (const [secret, field, message] of [
      [{ ...ssh, privateKey: 'secret' }, 'secret.privateKey', 'line 1: must begin with'],
      [{ ...ssh, knownHosts: '# mine\nexample.com' }, 'secret.knownHosts', 'line 2, column 12: must have'],
    ] as const) {
      const refused = await api.refused('PUT', path, { body: { name, secret } });
      const errors = [{ path: field, message: expect.stringContaining(message) }];
      expect(refused).toMatchObject({ code: 'invalid_request', errors });
    }
    const body = { name: unique('R'), url: 'https://example.org/a.git', knownHosts: 'example.com' };
    const refused = await api.refused('POST', `${base}/repositories`, { body });
    expect(refused).toMatchObject({ errors: [{ path: 'knownHosts' }] });
  });

  it('keeps nothing of another type', async () => {
    const { path, name } = await aKey({ type: 'string', value: 'value-1' });
    for (const [secret, missing] of [
      [{ type: 'login_password', login: 'ada' }, 'secret.password'],
      [{ type: 'ssh' }, 'secret.privateKey'],
    ] as const) {
      const refused = await api.refused('PUT', path, { body: { name, secret } });
      expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ path: missing }] });
    }
  });
});
