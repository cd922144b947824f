/** Keys that sign the tokens of agents and people: made once, renewed without a gap, dropped in time. */
import { randomBytes } from 'node:crypto';
import { decodeProtectedHeader, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { addMs, epochMs, type Instant, toInstant } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../ids.ts';
import { loginLifetimeMs } from '../people/users.ts';
import { keys, type Table } from '../table.ts';
import { signedTokens } from './signed-tokens.ts';
import { loadSigningKeys, rememberSigningKeys, renewSigningKey } from './signing-keys.ts';

let db: TestTable;
let present: Instant;
const now = () => present;
const deps = { now, newId, randomBytes };
beforeAll(async () => {
  db = await openTestTable();
});
afterAll(() => db?.close());
beforeEach(async () => {
  present = toInstant(Date.now());
  await db.table.remove(keys.stackSecrets());
});

const minuteMs = 60_000;
const claims = z.object({ name: z.string() });
/** Worker of a function, with a separate memory. */
const aWorker = () => {
  const tokens = signedTokens(
    rememberSigningKeys(() => loadSigningKeys(db.table, deps), now),
    now,
  );
  return {
    sign: () => tokens.sign('person', { name: 'Ada' }, addMs(now(), loginLifetimeMs)),
    knows: async (token: string) => (await tokens.verify('person', claims, token)).ok,
  };
};
const kidOf = (token: string) => decodeProtectedHeader(token).kid;

describe('the signing key', () => {
  it('is made once by two concurrent functions', async () => {
    const [one, other] = await Promise.all([aWorker().sign(), aWorker().sign()]);
    expect(kidOf(one)).toBe(kidOf(other));
    expect(await aWorker().knows(one)).toBe(true);
  });

  it('signs, when new, once every worker knows it, and no token is rejected meanwhile', async () => {
    const remembering = aWorker();
    const before = await remembering.sign();
    present = addMs(present, 1);
    await renewSigningKey(db.table, deps);
    const signed = [before];
    for (let minute = 0; minute < 40; minute += 1) {
      const fresh = aWorker();
      signed.push(await fresh.sign(), await remembering.sign());
      for (const token of signed) {
        expect(await fresh.knows(token), `minute ${minute}`).toBe(true);
        expect(await remembering.knows(token), `minute ${minute}`).toBe(true);
      }
      present = addMs(present, minuteMs);
    }
    expect(new Set(signed.map(kidOf)).size).toBe(2);
    expect(kidOf(await remembering.sign())).not.toBe(kidOf(before));
  });

  it('verifies, when old, until its last token expires, and no longer', async () => {
    const first = await aWorker().sign();
    await renewSigningKey(db.table, deps);
    present = addMs(present, 15 * minuteMs);
    const last = await aWorker().sign();
    expect(kidOf(last)).toBe(kidOf(first));
    const [oldKey] = await loadSigningKeys(db.table, deps);
    present = addMs(present, loginLifetimeMs - 1000);
    expect(await aWorker().knows(last)).toBe(true);
    present = addMs(present, 3 * minuteMs);
    const forged = await new SignJWT({ name: 'Ada' })
      .setProtectedHeader({ alg: 'HS256', typ: 'person', kid: oldKey?.id ?? '' })
      .setExpirationTime(new Date(epochMs(addMs(present, minuteMs))))
      .sign(oldKey?.key ?? new Uint8Array());
    expect(await aWorker().knows(forged)).toBe(false);
    await renewSigningKey(db.table, deps);
    expect((await loadSigningKeys(db.table, deps)).map(({ id }) => id)).not.toContain(oldKey?.id);
    expect(JSON.stringify(await db.dump())).not.toContain(kidOf(first));
  });

  it('is renewed once by two concurrent rotations', async () => {
    await aWorker().sign();
    const racing: Table = {
      ...db.table,
      update: async (...change) => {
        await renewSigningKey(db.table, deps);
        return db.table.update(...change);
      },
    };
    await renewSigningKey(racing, deps);
    expect(await loadSigningKeys(db.table, deps)).toHaveLength(2);
  });

  it('verifies older tokens in a stack that had only one key', async () => {
    const key = randomBytes(32);
    await db.table.put({ ...keys.stackSecrets(), signingKey: key.toString('base64url') });
    const token = await new SignJWT({ name: 'Ada' })
      .setProtectedHeader({ alg: 'HS256', typ: 'person' })
      .setExpirationTime(new Date(epochMs(addMs(present, loginLifetimeMs))))
      .sign(key);
    expect(await aWorker().knows(token)).toBe(true);
    await renewSigningKey(db.table, deps);
    expect(await aWorker().knows(token)).toBe(true);
    expect(await db.table.get(keys.stackSecrets())).not.toHaveProperty('signingKey');
  });

  it('is read again after a failed read', async () => {
    let calls = 0;
    const load = rememberSigningKeys(async () => {
      calls += 1;
      if (calls === 1) throw new Error('Throttled');
      return loadSigningKeys(db.table, deps);
    }, now);
    await expect(load()).rejects.toThrow('Throttled');
    expect(await load()).toHaveLength(1);
    await load();
    expect(calls).toBe(2);
  });
});
