import { describe, expect, it } from 'vitest';
import { redactedArguments, redactedUrl, secretArguments, urlSecretFault } from './visible-secrets.ts';

const classic = '0123456789abcdef0123456789abcdef01234567';

describe('the URL of a repository', () => {
  it.each([
    ['https://user:hunter2@git.test/a.git', 'https://user:***@git.test/a.git'],
    ['https://:hunter2@git.test/a.git', 'https://:***@git.test/a.git'],
    ['https://user:a:b@c@git.test/a.git', 'https://user:***@git.test/a.git'],
    ['HTTPS://user:hunter2@git.test/a.git', 'HTTPS://user:***@git.test/a.git'],
    ['ssh://git:hunter2@git.test/a.git', 'ssh://git:***@git.test/a.git'],
    ['https://ghp_0a1b2c@github.com/a/b.git', 'https://***@github.com/a/b.git'],
    [`https://${classic}@github.com/a/b.git`, 'https://***@github.com/a/b.git'],
    ['https://git.test/a.git?access_token=x&ref=main', 'https://git.test/a.git?access_token=***&ref=main'],
    [
      'https://git.test/a.git?ref=main&X-Amz-Signature=x',
      'https://git.test/a.git?ref=main&X-Amz-Signature=***',
    ],
    ['https://git.test/a.git?access%5Ftoken=x', 'https://git.test/a.git?access%5Ftoken=***'],
  ])('is rejected, and shown without its secret: %s', (url, shown) => {
    expect(urlSecretFault(url)).toContain('Use a key instead');
    expect(redactedUrl(url)).toBe(shown);
    expect(urlSecretFault(shown)).toContain('Use a key instead');
  });

  it.each([
    'https://git.test/a.git',
    'https://octo-organization@dev.azure.test/octo/_git/a',
    'https://first.last%40example.test@git.test/a.git',
    'ssh://git@git.test:22/a.git',
    'git@git.test:a.git',
    'file:///srv/a.git',
    '/srv/token=x/a.git',
    'https://git.test/a=token/a.git?ref=token&path=secret',
  ])('is accepted and shown unchanged without a secret: %s', (url) => {
    expect(urlSecretFault(url)).toBeUndefined();
    expect(redactedUrl(url)).toBe(url);
  });
});

describe('the arguments of a backend', () => {
  it.each([
    ['secret_key', 'x'],
    ['access_key', 'x'],
    ['token', 'x'],
    ['password', 'x'],
    ['sas_token', 'x'],
    ['client_secret', 'x'],
    ['client_certificate_password', 'x'],
    ['encryption_key', 'x'],
    ['client_private_key_pem', 'x'],
    ['conn_str', 'postgres://user:hunter2@db.test/state'],
    ['credentials', '{"private_key": "x"}'],
  ])('are shown without the value of %s', (name, value) => {
    expect(secretArguments({ bucket: 'b', [name]: value })).toEqual([name]);
    const shown = { bucket: 'b', [name]: '***' };
    expect(redactedArguments({ bucket: 'b', [name]: value })).toEqual(shown);
    expect(secretArguments(shown)).toEqual([name]);
  });

  it.each([
    ['key', 'network.tfstate'],
    ['kms_encryption_key', 'projects/p/cryptoKeys/k'],
    ['skip_credentials_validation', 'true'],
    ['use_azuread_auth', 'true'],
    ['shared_credentials_file', '/etc/aws'],
    ['oidc_token_file_path', '/run/token'],
    ['address', 'https://state.test/network'],
    ['credentials', '/etc/gcp.json'],
  ])('are shown unchanged without a secret: %s', (name, value) => {
    expect(secretArguments({ [name]: value })).toEqual([]);
  });
});
