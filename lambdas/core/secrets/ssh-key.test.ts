import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { knownHostsFault } from '../resources/known-hosts.ts';
import { readSshKey } from './ssh-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
/** Key of ssh-keygen itself, with the fingerprint that it shows. */
const made = (...options: string[]) => {
  count += 1;
  const file = join(folder, `key-${count}`);
  execFileSync('ssh-keygen', ['-q', '-C', 'test', '-f', file, '-N', '', ...options]);
  const shown = execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`], { encoding: 'utf8' });
  const publicKey = readFileSync(`${file}.pub`, 'utf8');
  return { text: readFileSync(file, 'utf8'), fingerprint: shown.split(' ')[1], publicKey };
};

describe('readSshKey', () => {
  it.each([
    ['ssh-ed25519', ['-t', 'ed25519']],
    ['ssh-rsa', ['-t', 'rsa', '-b', '2048']],
    ['ecdsa-sha2-nistp256', ['-t', 'ecdsa']],
    ['ssh-rsa', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['ssh-rsa', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8']],
    ['ecdsa-sha2-nistp384', ['-t', 'ecdsa', '-b', '384', '-m', 'PEM']],
    ['ecdsa-sha2-nistp521', ['-t', 'ecdsa', '-b', '521', '-m', 'PKCS8']],
  ])('shows the fingerprint of a key of %s made by ssh-keygen %j', (algorithm, options) => {
    const { text, fingerprint } = made(...options);
    expect(readSshKey(text)).toEqual({ ok: true, algorithm, fingerprint });
    expect(readSshKey(text.replaceAll('\n', '\r\n').trimEnd())).toEqual({ ok: true, algorithm, fingerprint });
  });

  it('asks for the passphrase of an encrypted key, and tries it on a PEM', () => {
    for (const options of [[], ['-m', 'PEM', '-t', 'rsa'], ['-m', 'PKCS8', '-t', 'rsa']]) {
      const { text, fingerprint } = made('-t', 'ed25519', ...options, '-N', 'open sesame');
      expect(readSshKey(text)).toMatchObject({ ok: false, field: 'passphrase' });
      expect(readSshKey(text, 'open sesame')).toMatchObject({ ok: true, fingerprint });
      if (options.length > 0)
        expect(readSshKey(text, 'wrong')).toEqual({
          ok: false,
          field: 'passphrase',
          message: 'does not open this private key',
        });
    }
  });

  it('names the fault by line and column', () => {
    const { text, publicKey } = made('-t', 'ed25519');
    const lines = text.split('\n');
    const messageOf = (broken: string) => {
      const read = readSshKey(broken);
      return read.ok ? 'is read' : read.message;
    };
    expect(messageOf(publicKey)).toBe('line 1: is a public key: send the private one');
    expect(messageOf('PuTTY-User-Key-File-3: ssh-ed25519')).toContain('puttygen');
    expect(messageOf('secret')).toContain('line 1: must begin with');
    expect(messageOf(lines.slice(0, -2).join('\n'))).toMatch(/^line \d+: must end with -----END OPENSSH/);
    expect(messageOf(lines.with(2, `ab*${lines[2]}`).join('\n'))).toBe(
      "line 3, column 3: must be one of base64's characters",
    );
    expect(messageOf([...lines.slice(0, 2), ...lines.slice(-2)].join('\n'))).toContain('ends too early');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(messageOf(pem)).toContain('secp256k1');
    expect(messageOf(pem.split('\n').toSpliced(1, 1).join('\n'))).toContain('is damaged');
  });
});

describe('knownHostsFault', () => {
  const { publicKey } = made('-t', 'ed25519');
  const [type = '', key = ''] = publicKey.split(' ');

  it('accepts lines that ssh accepts', () => {
    const lines = [
      '# a comment',
      '',
      `example.com,10.0.0.1 ${type} ${key}`,
      `[example.com]:2222 ${type} ${key} with a comment`,
      `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${type} ${key}`,
      `@cert-authority *.example.com ${type} ${key}`,
      `@revoked * ${type} ${key}`,
    ];
    expect(knownHostsFault(lines.join('\n'))).toBeUndefined();
    expect(knownHostsFault(lines.join('\r\n'))).toBeUndefined();
  });

  it.each([
    [`# one\nexample.com ${type}`, 'line 2, column 24: must have the host, the type of its key, and the key'],
    [`example.com ${type} AAAA*`, 'line 1, column 25: must be a key in base64, copied whole'],
    [`example.com ${type} ${key.slice(0, 12)}`, 'line 1, column 25: must be a key in base64, copied whole'],
    [`example.com ssh-rsa ${key}`, 'line 1, column 13: is another type than that of the key, ssh-ed25519'],
    [`@marked example.com ${type} ${key}`, 'line 1, column 1: must be @cert-authority or @revoked'],
    [publicKey, 'line 1, column 13: is another type'],
  ])('names the fault of %j', (text, fault) => {
    expect(knownHostsFault(text)).toContain(fault.slice(0, 15));
    if (text !== publicKey) expect(knownHostsFault(text)).toBe(fault);
  });
});
