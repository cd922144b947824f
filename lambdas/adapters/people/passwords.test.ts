import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { passwords } from './passwords.ts';

const { hash, verify } = passwords(randomBytes, { logN: 4, r: 8, p: 1 });

describe('a password', () => {
  it('is known again, and no other is', async () => {
    const stored = await hash('correct horse');
    expect(stored).toMatch(/^scrypt\$4\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verify('correct horse', stored)).toBe(true);
    expect(await verify('correct horsf', stored)).toBe(false);
    expect(await verify('', stored)).toBe(false);
  });

  it('is salted: twice the same gives two hashes', async () => {
    expect(await hash('same')).not.toBe(await hash('same'));
  });

  it('is the same by another form of its letters', async () => {
    expect(await verify('caf\u00e9', await hash('cafe\u0301'))).toBe(true);
  });

  it('is wrong for nobody', async () => {
    expect(await verify('anything', undefined)).toBe(false);
  });

  it('stays good when the cost is raised', async () => {
    const stored = await hash('old');
    expect(await passwords(randomBytes, { logN: 6, r: 8, p: 2 }).verify('old', stored)).toBe(true);
  });

  it('fits the memory of a function at the cost that it is stored with by default', async () => {
    expect(await passwords(randomBytes).hash('x')).toMatch(/^scrypt\$15\$8\$3\$/);
  });
});
