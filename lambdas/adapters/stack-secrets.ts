/** The secret with which the control plane signs what agents carry. Made once, at first need. */
import * as z from 'zod';
import { keys, type Table } from './table.ts';

const stored = z.object({ signingKey: z.base64url() });

/** 256 bits, for HMAC-SHA-256 (RFC 7518, section 3.2). */
export const loadSigningKey = async (
  table: Table,
  randomBytes: (size: number) => Buffer,
): Promise<Uint8Array> => {
  const known = await table.get(keys.stackSecrets());
  if (known) return Buffer.from(stored.parse(known).signingKey, 'base64url');
  const made = { ...keys.stackSecrets(), signingKey: randomBytes(32).toString('base64url') };
  // Whoever writes first makes the key; the other reads it.
  await table.put(made, [['missing', 'pk']]);
  return loadSigningKey(table, randomBytes);
};
