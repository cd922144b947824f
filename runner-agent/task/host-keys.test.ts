import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newHostKeys } from './host-keys.ts';

const salt = Buffer.from('a salt of twenty by.');
/** The host field of a line whose host is hashed, as ssh writes it (HashKnownHosts). */
const hashed = (host: string) =>
  `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(host).digest('base64')}`;
const known = `one.example.test ssh-ed25519 AAAA\n${hashed('two.example.test')} ssh-rsa BBBB\nalias,three ssh-rsa CCCC\n`;

describe('the host keys that a task may add', () => {
  it.each([
    ['a new host', 'four.example.test ssh-ed25519 DDDD'],
    ['a new port of a known host', '[one.example.test]:2222 ecdsa-sha2-nistp256 DDDD'],
    ['an address', '2001:db8::1 ssh-ed25519 DDDD'],
  ])('are those of %s', (_, line) => {
    expect(newHostKeys(known, `${known}${line}\n`)).toEqual([line]);
  });

  it.each([
    ['a known host', 'one.example.test ssh-ed25519 DDDD'],
    ['a known host with another type of key', 'one.example.test ssh-rsa DDDD'],
    ['a known host whose name is hashed', 'two.example.test ssh-ed25519 DDDD'],
    ['one of several names of a line', 'three ssh-ed25519 DDDD'],
    ['several hosts at once', 'four.example.test,one.example.test ssh-ed25519 DDDD'],
    ['a pattern', '* ssh-ed25519 DDDD'],
    ['an authority', '@cert-authority * ssh-ed25519 DDDD'],
    ['a hashed name, which may be a known one', `${hashed('one.example.test')} ssh-ed25519 DDDD`],
    ['more than a key', 'four.example.test ssh-ed25519 DDDD\rone.example.test ssh-rsa EEEE'],
  ])('are not those of %s', (_, line) => {
    expect(newHostKeys(known, `${known}${line}\n`)).toEqual([]);
  });

  it('are one line for each that stands there twice', () => {
    const line = 'four.example.test ssh-ed25519 DDDD';
    expect(newHostKeys('', `${line}\n${line}\n`)).toEqual([line]);
  });
});
