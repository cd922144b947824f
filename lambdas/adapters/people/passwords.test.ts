import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { passwords } from './passwords.ts';

const { hash, verify } = passwords(randomBytes, { logN: 4, r: 8, p: 1 });

describe('a password', () => {
  it('is accepted, and another one is rejected', async () => {
    const stored = await hash('correct horse');
    expect(stored).toMatch(/^scrypt\$4\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verify('correct horse', stored)).toBe(true);
    expect(await verify('correct horsf', stored)).toBe(false);
    expect(await verify('', stored)).toBe(false);
  });

  it('is salted: hashing it twice gives two hashes', async () => {
    expect(await hash('same')).not.toBe(await hash('same'));
  });

  it('is the same in another Unicode form of its letters', async () => {
    expect(await verify('caf\u00e9', await hash('cafe\u0301'))).toBe(true);
  });

  it('is rejected when there is no hash', async () => {
    expect(await verify('anything', undefined)).toBe(false);
  });

  it('stays valid when the cost is raised', async () => {
    const stored = await hash('old');
    expect(await passwords(randomBytes, { logN: 6, r: 8, p: 2 }).verify('old', stored)).toBe(true);
  });

  it('fits the memory of a function at the default cost', async () => {
    expect(await passwords(randomBytes).hash('x')).toMatch(/^scrypt\$15\$8\$3\$/);
  });
});
