import { randomBytes } from 'node:crypto';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { startTestKms, type TestKms } from '../../../local/testing/kms.ts';
import {
  addMs,
  type ProjectId,
  signInProviderInput,
  templateInput,
  toInstant,
} from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../ids.ts';
import { signInProviderStore } from '../people/sign-in-providers.ts';
import { userStore } from '../people/users.ts';
import { recordsOf } from '../records.ts';
import { projectStore, readTaskParts, resourceStores } from '../resources/resources.ts';
import { keys, type Table } from '../table.ts';
import { dataKeys, rememberKeysMs } from './data-keys.ts';
import { kmsKeyService } from './kms-keys.ts';
import { sealedTable } from './secret-attributes.ts';
import { dataKeyOf, makeVault } from './secret-encryption.ts';
import { type RotationDeps, rotateSecrets } from './secret-rotation.ts';
import { loadSigningKeys } from './signing-keys.ts';

let db: TestTable;
let testKms: TestKms;
let kms: KMSClient;
let keyArn: string;
let present = toInstant(Date.now());
const now = () => present;

beforeAll(async () => {
  db = await openTestTable();
  testKms = await startTestKms();
  kms = new KMSClient(testKms);
  keyArn = testKms.keyArn;
});
afterAll(async () => {
  await testKms?.stop();
  await db?.close();
});
beforeEach(() => testKms.counter.reset());

/** Data keys of one function, with a separate memory. */
const openVault = () => {
  const own = dataKeys(db.table, { service: kmsKeyService(keyArn, kms), now, newId });
  const vault = makeVault(own);
  return { dataKeys: own, vault, table: sealedTable(db.table, vault) };
};
const kmsCalls = () =>
  Object.fromEntries(testKms.counter.list().map(({ operation, count }) => [operation, count]));
const aProject = (): ProjectId => newId('prj');
const refusedByKms = { name: 'InvalidCiphertextException' };

const notResealed: string[] = [];
const reportFailed: RotationDeps['reportFailed'] = ({ sk }) => void notResealed.push(sk);

describe('a secret', () => {
  it('opens for its project and place in every function', async () => {
    const project = aProject();
    const sealed = await openVault().vault.seal(project, 'key_1#secret', 'hush');
    expect(sealed).not.toContain('hush');
    expect(await openVault().vault.open(project, 'key_1#secret', sealed)).toBe('hush');
  });

  it('does not open for another project, even with a copy of its data key', async () => {
    const [ours, theirs] = [aProject(), aProject()];
    const { vault } = openVault();
    const sealed = await vault.seal(ours, 'key_1#secret', 'hush');
    await expect(vault.open(theirs, 'key_1#secret', sealed)).rejects.toThrow('There is no data key');
    const item = await db.table.get(keys.dataKey(ours, dataKeyOf(sealed)));
    await db.table.put({ ...item, ...keys.dataKey(theirs, dataKeyOf(sealed)) });
    const refused = vault.open(theirs, 'key_1#secret', sealed);
    await expect(refused).rejects.toMatchObject({ name: 'CannotOpen', cause: refusedByKms });
  });

  it('makes only its own item of a list unreadable when it cannot be opened', async () => {
    const project = aProject();
    const { table } = openVault();
    const stored = z.object({ sk: z.string(), secret: z.string() });
    await table.put({ pk: project, sk: 'key_1', secret: 'hush' });
    await db.table.put({ pk: project, sk: 'key_2', secret: 'was never sealed' });
    const { items } = await table.query({ pk: project, prefix: 'key_' });
    expect(recordsOf(table, stored).readAll(items)).toEqual([{ sk: 'key_1', secret: 'hush' }]);
  });

  it('opens at no other place', async () => {
    const project = aProject();
    const { vault } = openVault();
    const sealed = await vault.seal(project, 'key_1#secret', 'hush');
    await expect(vault.open(project, 'key_2#secret', sealed)).rejects.toThrow('belongs elsewhere');
  });

  it('does not open after a change', async () => {
    const project = aProject();
    const { vault } = openVault();
    const [header, , iv, text = '', tag] = (await vault.seal(project, 'key_1#secret', 'hush')).split('.');
    const changed = [header, '', iv, `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`, tag].join('.');
    await expect(vault.open(project, 'key_1#secret', changed)).rejects.toThrow('decryption operation failed');
  });

  it('costs one call of KMS per project and quarter of an hour', async () => {
    const project = aProject();
    const { vault } = openVault();
    const sealed = await Promise.all(
      ['a', 'b', 'c'].map((place) => vault.seal(project, place, randomBytes(9).toString('base64'))),
    );
    expect(kmsCalls()).toEqual({ GenerateDataKey: 1 });
    const other = openVault();
    for (const [index, text] of sealed.entries()) await other.vault.open(project, 'abc'[index] ?? '', text);
    expect(kmsCalls()).toEqual({ GenerateDataKey: 1, Decrypt: 1 });
    present = addMs(present, rememberKeysMs);
    await other.vault.open(project, 'a', sealed[0] ?? '');
    expect(kmsCalls()).toEqual({ GenerateDataKey: 1, Decrypt: 2 });
  });

  it('can be read again after KMS has failed once', async () => {
    const project = aProject();
    const good = kmsKeyService(keyArn, kms);
    let down = true;
    const service: typeof good = {
      ...good,
      make: async (scope) => {
        if (down) throw new Error('KMS is down');
        return good.make(scope);
      },
    };
    const vault = makeVault(dataKeys(db.table, { service, now, newId }));
    await expect(vault.seal(project, 'a', 'x')).rejects.toThrow('KMS is down');
    down = false;
    const sealed = await vault.seal(project, 'a', 'x');
    expect(await vault.open(project, 'a', sealed)).toBe('x');
  });
});

const secret = { type: 'login_password' as const, login: 'root', password: 'hush-password' };

/**
 * Project with a key, an environment and a person with an authenticator, made by stores without encryption.
 */
const aFilledProject = async (table: Table) => {
  const projectId = aProject();
  await db.table.put({ ...keys.project(projectId), id: projectId });
  const stores = resourceStores(table, { now, newId });
  const key = await stores.keys.create(projectId, { name: 'root', secret });
  const environment = await stores.environments.create(projectId, {
    name: 'e',
    variables: {},
    secrets: { TOKEN: 'hush-token' },
    secretFiles: { CERT: 'hush-file' },
  });
  const users = userStore(table, { now, newId });
  const person = await users.create({ email: `${projectId}@example.com`, name: 'P' });
  if (person) await users.setTotp(person, 'HUSHTOTP');
  return { projectId, key, environment, personId: person?.id ?? '' };
};

describe('the table', () => {
  it('holds no secret in plain text, and its stores need not know', async () => {
    const { table } = openVault();
    const { projectId, key, environment, personId } = await aFilledProject(table);
    expect(JSON.stringify(await db.dump())).not.toMatch(/hush|HUSH/);
    expect(environment).toMatchObject({ secretNames: ['TOKEN'], secretFileNames: ['CERT'] });

    const elsewhere = openVault().table;
    const stores = resourceStores(elsewhere, { now, newId });
    const input = { name: 't', app: 'bash', script: 'true', environmentId: environment.id };
    const template = await stores.templates.create(projectId, templateInput.parse(input));
    expect(await stores.keys.list(projectId)).toEqual([key]);
    const parts = await readTaskParts(elsewhere, {
      projectId,
      templateId: template.id,
      environmentId: environment.id,
    });
    expect(parts?.environment).toMatchObject({
      secrets: { TOKEN: 'hush-token' },
      secretFiles: { CERT: 'hush-file' },
    });
    expect(await userStore(elsewhere, { now, newId }).get(personId)).toMatchObject({
      totpSecret: 'HUSHTOTP',
    });
  });

  it("encrypts the sign-in provider's secret, also after a rotation", async () => {
    const input = signInProviderInput.parse({ name: 'P', issuer: 'https://id.test/', clientId: 'c' });
    await signInProviderStore(openVault().table, now).put(
      { ...input, clientSecret: 'hush-client' },
      undefined,
    );
    expect(JSON.stringify(await db.dump())).not.toContain('hush-client');
    const before = (await db.table.get(keys.signInProvider()))?.clientSecret;
    present = addMs(present, 60_000);
    await rotateSecrets({
      ...openVault(),
      table: db.table,
      now,
      newId,
      randomBytes,
      reportFailed,
      hasTime: () => true,
    });
    expect((await db.table.get(keys.signInProvider()))?.clientSecret).not.toBe(before);
    expect((await signInProviderStore(openVault().table, now).get())?.clientSecret).toBe('hush-client');
  });

  it('removes all items of a project with it, its data keys last', async () => {
    const { projectId } = await aFilledProject(openVault().table);
    const removed: string[] = [];
    const { table } = openVault();
    const watched: Table = {
      ...table,
      remove: (key, conditions) => {
        removed.push(key.sk.slice(0, 4));
        return table.remove(key, conditions);
      },
      transact: (writes) => {
        for (const write of writes) if ('remove' in write) removed.push(write.remove.sk.slice(0, 4));
        return table.transact(writes);
      },
    };
    expect(await projectStore(watched, { now, newId }).remove(projectId)).toBe(true);
    expect([...new Set(removed)]).toEqual(['key_', 'env_', 'name', 'dek_', 'prj_']);
    expect((await db.dump()).filter(({ pk }) => pk === projectId)).toEqual([]);
  });
});

describe('rotation', () => {
  const rotate = (hasTime: RotationDeps['hasTime'] = () => true) =>
    rotateSecrets({ ...openVault(), table: db.table, now, newId, randomBytes, reportFailed, hasTime });
  const dataKeysOf = async (projectId: ProjectId) =>
    (await db.table.query({ pk: projectId, prefix: 'dek_' })).items.map(({ sk }) => sk);
  const usedIn = async (projectId: ProjectId, id: string) => {
    const item = await db.table.get(keys.resource(projectId, id));
    return dataKeyOf(String(item?.secret));
  };

  it('encrypts all secrets under new data keys, and keeps the old keys for functions with them', async () => {
    const { projectId, key } = await aFilledProject(openVault().table);
    const [first] = await dataKeysOf(projectId);
    present = addMs(present, 60_000);
    expect(await rotate()).toMatchObject({ ended: true });
    const [, second] = await dataKeysOf(projectId);
    expect(await usedIn(projectId, key.id)).toBe(second);
    expect(await dataKeysOf(projectId)).toEqual([first, second]);

    const item = await openVault().table.get(keys.resource(projectId, key.id));
    expect(item?.secret).toEqual(secret);
  });

  it('skips and reports an item that cannot be opened, and goes on with all others', async () => {
    const [bad, good] = [await aFilledProject(openVault().table), await aFilledProject(openVault().table)];
    const badKey = keys.resource(bad.projectId, bad.key.id);
    const { secret: sealed } = (await db.table.get(keys.resource(good.projectId, good.key.id))) ?? {};
    await db.table.update(badKey, { set: { secret: sealed } }, []);
    await db.table.put({ ...keys.resource(bad.projectId, 'key_by_hand'), secret: 'in the clear' });
    present = addMs(present, 60_000);
    expect(await rotate()).toMatchObject({ ended: true, failed: 2 });
    expect(notResealed.sort()).toEqual([bad.key.id, 'key_by_hand'].sort());
    expect(await usedIn(good.projectId, good.key.id)).toBe((await dataKeysOf(good.projectId)).at(-1));
    expect((await db.table.get(badKey))?.secret).toBe(sealed);
    for (const id of notResealed) await db.table.remove(keys.resource(bad.projectId, id));
  });

  it('continues where it stopped when its time was over', async () => {
    const { projectId, key } = await aFilledProject(openVault().table);
    present = addMs(present, 60_000);
    let turns = 2;
    const cut = await rotate(() => turns-- > 0);
    expect(cut).toMatchObject({ ended: false, scopesDone: 2 });
    const rest = await rotate();
    expect(rest).toMatchObject({ ended: true, startedAt: cut.startedAt, scopesDone: rest.scopes });
    expect(await usedIn(projectId, key.id)).toBe((await dataKeysOf(projectId)).at(-1));
  });

  it('makes one signing key, even over several invocations, and keeps all keys encrypted', async () => {
    const deps = { now, newId, randomBytes };
    const load = () => loadSigningKeys(openVault().table, deps);
    const [first] = await load();
    let turns = 1;
    expect(await rotate(() => turns-- > 0)).toMatchObject({ ended: false });
    expect(await rotate()).toMatchObject({ ended: true });
    const after = await load();
    expect(after).toHaveLength(2);
    expect(after[0]).toEqual(first);
    const dumped = JSON.stringify(await db.dump());
    for (const { key } of after) expect(dumped).not.toContain(Buffer.from(key).toString('base64url'));
  });

  it('leaves a secret that changed meanwhile to its writer', async () => {
    const { table } = openVault();
    const { projectId, key } = await aFilledProject(table);
    const stores = resourceStores(table, { now, newId });
    const racing: Table = {
      ...db.table,
      update: async (at, ...rest) => {
        if (at.sk === key.id)
          await stores.keys.replace(projectId, key.id, {
            name: 'new',
            secret: { type: 'string', value: 'newer' },
          });
        return db.table.update(at, ...rest);
      },
    };
    await rotateSecrets({
      ...openVault(),
      table: racing,
      now,
      newId,
      randomBytes,
      reportFailed,
      hasTime: () => true,
    });
    const item = await openVault().table.get(keys.resource(projectId, key.id));
    expect(item?.secret).toEqual({ type: 'string', value: 'newer' });
  });
});
