/** Key store: credentials for repositories and hosts. Secrets are written and never read. */
import * as z from 'zod';
import { instant, knownHosts, name } from './common.ts';
import { keyId, projectId } from './ids.ts';
import { written } from './text.ts';

const secret = z.string().min(1).max(16_384);

const login = z.string().max(120);

const none = z.strictObject({ type: z.literal('none') });
const ssh = z.strictObject({
  type: z.literal('ssh'),
  login: login.optional(),
  privateKey: secret.describe('OpenSSH or PEM'),
  passphrase: secret.optional(),
  knownHosts: knownHosts.optional(),
});
const loginPassword = z.strictObject({ type: z.literal('login_password'), login, password: secret });
const string = z.strictObject({ type: z.literal('string'), value: secret });

/** Secret part, by type. */
export const keySecret = z.discriminatedUnion('type', [none, ssh, loginPassword, string]);
export type KeySecret = z.infer<typeof keySecret>;

const special = { lines: ['name', 'secret.login'] };
export const keyInput = written(z.strictObject({ name, secret: keySecret }), special).meta({
  id: 'KeyInput',
});
export type KeyInput = z.infer<typeof keyInput>;

const changing = z.strictObject({
  name,
  secret: z
    .discriminatedUnion('type', [
      none,
      ssh.extend({
        privateKey: ssh.shape.privateKey.optional(),
        passphrase: secret
          .nullish()
          .describe('Stays when neither it nor a private key is sent; null removes it'),
      }),
      loginPassword.extend({ password: secret.optional() }),
      string.extend({ value: secret.optional() }),
    ])
    .optional()
    .describe('Stays when it is not sent. What is secret in it stays when it is not sent for the same type'),
});
/** Change of a key, which keeps each secret value that it does not name. */
export const keyUpdate = written(changing, special).meta({ id: 'KeyUpdate' });
export type KeyUpdate = z.infer<typeof keyUpdate>;

export const key = z
  .object({
    id: keyId,
    projectId,
    name,
    type: z.enum(['none', 'ssh', 'login_password', 'string']),
    login: login.optional(),
    knownHosts: knownHosts.optional(),
    algorithm: z.string().optional().describe('Of an SSH key, such as ssh-ed25519'),
    fingerprint: z.string().optional().describe('Of an SSH key: SHA-256, as `ssh-keygen -l` shows it'),
    createdAt: instant,
  })
  .meta({ id: 'Key' });
export type Key = z.infer<typeof key>;
