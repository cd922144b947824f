import { describe, expect, it } from 'vitest';
import type { KeySecret } from '../../../protocol/index.ts';
import { filledKey } from './kept-secrets.ts';

const name = 'Deploy';
const kept: KeySecret = { type: 'ssh', login: 'git', privateKey: 'key-1', passphrase: 'phrase-1' };

describe('filledKey', () => {
  it('keeps a private key with its passphrase', () => {
    expect(filledKey({ name }, kept)).toEqual({ name, secret: kept });
    expect(filledKey({ name, secret: { type: 'ssh' } }, kept)).toEqual({
      name,
      secret: { type: 'ssh', privateKey: 'key-1', passphrase: 'phrase-1' },
    });
  });

  it('drops the passphrase of a replaced private key', () => {
    expect(filledKey({ name, secret: { type: 'ssh', privateKey: 'key-2' } }, kept)).toEqual({
      name,
      secret: { type: 'ssh', privateKey: 'key-2' },
    });
  });

  it('removes a passphrase that is null', () => {
    const secret = { type: 'ssh', passphrase: null } as const;
    expect(filledKey({ name, secret }, kept)).toEqual({ name, secret: { type: 'ssh', privateKey: 'key-1' } });
    const whole = { ...secret, privateKey: 'key-2' };
    expect(filledKey({ name, secret: whole }, { type: 'none' })).toEqual({
      name,
      secret: { type: 'ssh', privateKey: 'key-2' },
    });
  });
});
