/** The key store: what a task needs to reach a repository or a host. Secrets go in and never come out. */
import * as z from 'zod';
import { instant, knownHosts, name } from './common.ts';
import { keyId, projectId } from './ids.ts';

const secret = z.string().min(1).max(16_384);

/** The secret part, by type. */
export const keySecret = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    type: z.literal('ssh'),
    login: z.string().max(120).optional(),
    privateKey: secret.describe('OpenSSH or PEM'),
    passphrase: secret.optional(),
    knownHosts: knownHosts.optional(),
  }),
  z.strictObject({ type: z.literal('login_password'), login: z.string().max(120), password: secret }),
  z.strictObject({ type: z.literal('string'), value: secret }),
]);
export type KeySecret = z.infer<typeof keySecret>;

export const keyInput = z.strictObject({ name, secret: keySecret });
export type KeyInput = z.infer<typeof keyInput>;

export const key = z.object({
  id: keyId,
  projectId,
  name,
  type: z.enum(['none', 'ssh', 'login_password', 'string']),
  createdAt: instant,
});
export type Key = z.infer<typeof key>;
