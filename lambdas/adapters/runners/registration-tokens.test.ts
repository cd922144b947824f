import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../ids.ts';
import { firstToken } from '../makers.ts';
import {
  formatToken,
  hashSecret,
  makeSecret,
  matchesHash,
  parseRunnerToken,
  registrationTokenStore,
} from './registration-tokens.ts';

let db: TestTable;
beforeAll(async () => {
  db = await openTestTable();
});
afterAll(() => db?.close());

const at = (time: string) => () => `2026-03-01T${time}.000Z`;
const openRegistrations = (now = at('12:00:00')) =>
  registrationTokenStore(db.table, { now, newId, randomBytes });

describe('a registration token', () => {
  it('is valid once, even for two concurrent machines', async () => {
    const tokens = openRegistrations();
    const { token } = await tokens.create('global', { tags: [], expiresInMs: 60_000, uses: 1 }, firstToken);
    const taken = await Promise.all([tokens.take(token), tokens.take(token)]);
    expect(taken.filter(Boolean)).toEqual([{ pool: 'global', tags: [] }]);
    expect(await tokens.take(token)).toBeUndefined();
  });

  it('has a number of uses, is listed while valid, and can be given back or revoked', async () => {
    const tokens = openRegistrations();
    const projectId = newId('prj');
    const { id, token } = await tokens.create(
      projectId,
      { tags: [], expiresInMs: 60_000, uses: 3 },
      firstToken,
    );
    const taken = await Promise.all([1, 2, 3, 4, 5].map(() => tokens.take(token)));
    expect(taken.filter(Boolean)).toHaveLength(3);
    expect(await tokens.list(projectId)).toEqual([]);
    await tokens.giveBack(token);
    expect(await tokens.list(projectId)).toMatchObject([{ id, usesLeft: 1 }]);
    expect(await tokens.revoke('global', id)).toBe(false);
    expect(await tokens.revoke(projectId, id)).toBe(true);
    expect(await tokens.take(token)).toBeUndefined();
  });

  it('carries its project and its tags', async () => {
    const tokens = openRegistrations();
    const projectId = newId('prj');
    const made = await tokens.create(
      projectId,
      { tags: ['sydney'], expiresInMs: 60_000, uses: 1 },
      firstToken,
    );
    expect(made.expiresAt).toBe('2026-03-01T12:01:00.000Z');
    expect(await tokens.take(made.token)).toEqual({ pool: projectId, tags: ['sydney'] });
  });

  it('is rejected after its time, with a wrong secret, or in another pool', async () => {
    const projectId = newId('prj');
    const { id, token } = await openRegistrations().create(
      projectId,
      { tags: [], expiresInMs: 60_000, uses: 1 },
      firstToken,
    );
    const secret = token.split('.')[2] ?? '';
    expect(await openRegistrations(at('12:01:00')).take(token)).toBeUndefined();
    const tokens = openRegistrations();
    expect(await tokens.take(formatToken(projectId, id, makeSecret(randomBytes)))).toBeUndefined();
    expect(await tokens.take(formatToken('global', id, secret))).toBeUndefined();
    expect(await tokens.take('nonsense')).toBeUndefined();
    expect(await tokens.take(token)).toBeDefined();
  });
});

describe('a runner token', () => {
  it('is split into pool, id and secret', () => {
    const secret = makeSecret(randomBytes);
    const runnerId = newId('run');
    expect(parseRunnerToken(formatToken('global', runnerId, secret))).toEqual({
      pool: 'global',
      runnerId,
      secret,
    });
    expect(parseRunnerToken(formatToken('elsewhere', runnerId, secret))).toBeUndefined();
    expect(parseRunnerToken('')).toBeUndefined();
  });

  it('matches only its own hash', () => {
    const secret = makeSecret(randomBytes);
    expect(matchesHash(secret, hashSecret(secret))).toBe(true);
    expect(matchesHash(secret, hashSecret(makeSecret(randomBytes)))).toBe(false);
    expect(matchesHash(secret, '')).toBe(false);
  });
});
