import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../ids.ts';
import { firstToken } from '../makers.ts';
import { formatToken, makeSecret } from '../runners/registration-tokens.ts';
import { apiTokenStore, type Caller, rememberCallers } from './api-tokens.ts';

let db: TestTable;
beforeAll(async () => {
  db = await openTestTable();
});
afterAll(() => db?.close());

const at = (time: string) => () => `2026-03-01T${time}.000Z`;
const openTokens = (now = at('12:00:00')) => apiTokenStore(db.table, { now, newId, randomBytes });

describe('an API token', () => {
  it('is recognised by its secret, of which only the hash is stored', async () => {
    const tokens = openTokens();
    const { id, token } = await tokens.create({ name: 'first admin' });
    expect(token).toMatch(/^tok_[0-9A-Z]{26}\.[A-Za-z0-9_-]{43}$/);
    expect(await tokens.verify(token)).toEqual({
      id,
      name: 'first admin',
      onBehalfOf: firstToken,
      isAdmin: true,
      roles: {},
    });
    expect(JSON.stringify(await db.dump())).not.toContain(token.split('.')[1]);
  });

  it('has one role in one project, and is valid until its end', async () => {
    const projectId = newId('prj');
    const { token } = await openTokens().create({
      name: 'ci',
      grant: { projectId, role: 'task_runner' },
      expiresInMs: 60_000,
    });
    expect(await openTokens().verify(token)).toMatchObject({
      isAdmin: false,
      roles: { [projectId]: 'task_runner' },
    });
    expect(await openTokens(at('12:01:00')).verify(token)).toBeUndefined();
  });

  it('is rejected with another secret, another id or another format', async () => {
    const tokens = openTokens();
    const { id, token } = await tokens.create({ name: 'admin' });
    const wrong = [
      formatToken(id, makeSecret(randomBytes)),
      formatToken(newId('tok'), token.split('.')[1] ?? ''),
      `${token}.`,
      token.slice(0, -1),
      id,
      '',
    ];
    for (const one of wrong) expect(await tokens.verify(one), one).toBeUndefined();
  });

  it('is listed and revoked in its own project only', async () => {
    const tokens = openTokens();
    const [mine, theirs] = [newId('prj'), newId('prj')];
    const { id, token } = await tokens.create({ name: 'ci', grant: { projectId: mine, role: 'guest' } });
    expect((await tokens.list(mine)).map((one) => one.id)).toEqual([id]);
    expect(await tokens.list(theirs)).toEqual([]);
    expect(JSON.stringify(await tokens.list(mine))).not.toContain('hash');
    expect(await tokens.revoke(theirs, id)).toBe(false);
    expect(await tokens.revoke(undefined, id)).toBe(false);
    expect(await tokens.verify(token)).toBeDefined();
    expect(await tokens.revoke(mine, id)).toBe(true);
    expect(await tokens.verify(token)).toBeUndefined();
  });
});

describe('the memory of callers', () => {
  const caller: Caller = {
    id: 'tok_1',
    name: 'ci',
    onBehalfOf: { id: 'usr_1', credentialsVersion: 0 },
    isAdmin: false,
    roles: {},
  };

  it('expires after its time, and never outlasts a token', async () => {
    let present = '2026-03-01T12:00:00.000Z';
    let asked = 0;
    let answer: Caller | undefined = { ...caller, validUntil: '2026-03-01T12:00:20.000Z' };
    const verify = rememberCallers(
      async () => {
        asked += 1;
        return answer;
      },
      () => present,
      30_000,
    );
    await verify('token');
    await verify('token');
    expect(asked).toBe(1);
    present = '2026-03-01T12:00:20.000Z';
    answer = undefined;
    expect(await verify('token')).toBeUndefined();
    answer = caller;
    expect(await verify('token')).toBe(caller);
    present = '2026-03-01T12:00:50.000Z';
    answer = undefined;
    expect(await verify('token')).toBeUndefined();
    expect(asked).toBe(4);
  });

  it('forgets unknown tokens, and keeps at most its maximum of callers', async () => {
    const asked: string[] = [];
    const verify = rememberCallers(
      async (token) => {
        asked.push(token);
        return token === 'stranger' ? undefined : caller;
      },
      at('12:00:00'),
      30_000,
      2,
    );
    for (const token of ['stranger', 'stranger', 'a', 'b', 'c', 'b', 'a']) await verify(token);
    expect(asked).toEqual(['stranger', 'stranger', 'a', 'b', 'c', 'a']);
  });
});
