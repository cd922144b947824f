/**
 * KMS's stand-in: GenerateDataKey and Decrypt, with AES-256-GCM under keys in the data folder. As in KMS, the
 * encryption context is authenticated with the ciphertext.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { jsonText, readJsonFile } from '../json.ts';
import { AwsError, type AwsService } from './call.ts';

const keyFile = z.record(z.string(), z.string());

/** Header of a ciphertext: the key's id, for Decrypt without a KeyId. */
interface Blob {
  readonly keyArn: string;
  readonly iv: Buffer;
  readonly tag: Buffer;
  readonly text: Buffer;
}

const ivBytes = 12;
const tagBytes = 16;

const pack = ({ keyArn, iv, tag, text }: Blob): string => {
  const name = Buffer.from(keyArn);
  return Buffer.concat([Buffer.from([1, name.length]), name, iv, tag, text]).toString('base64');
};

const invalid = () =>
  new AwsError('InvalidCiphertextException', 'The ciphertext is not one of this key and context.');

const unpack = (base64: string): Blob => {
  const all = Buffer.from(base64, 'base64');
  const [version, length = 0] = all;
  const start = 2 + length;
  if (version !== 1 || all.length < start + ivBytes + tagBytes) throw invalid();
  return {
    keyArn: all.subarray(2, start).toString(),
    iv: all.subarray(start, start + ivBytes),
    tag: all.subarray(start + ivBytes, start + ivBytes + tagBytes),
    text: all.subarray(start + ivBytes + tagBytes),
  };
};

const context = z.record(z.string(), z.string()).default({});
/** Canonical bytes of an encryption context: KMS ignores the order of the pairs. */
const bytesOf = (pairs: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1))));

const requests = {
  GenerateDataKey: z.strictObject({
    KeyId: z.string(),
    KeySpec: z.literal('AES_256'),
    EncryptionContext: context,
  }),
  Decrypt: z.strictObject({
    KeyId: z.string().optional(),
    CiphertextBlob: z.string(),
    EncryptionContext: context,
  }),
};

/** Opens the template's keys by ARN, and generates keys that the file lacks. */
const openKeys = (path: string, arns: readonly string[]): Map<string, Buffer> => {
  const known = existsSync(path) ? readJsonFile(path, keyFile) : {};
  const all = { ...known };
  for (const arn of arns) all[arn] ??= randomBytes(32).toString('base64');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 });
  return new Map(Object.entries(all).map(([arn, base64]) => [arn, Buffer.from(base64, 'base64')]));
};

export const makeKms = (path: string, arns: readonly string[]): AwsService => {
  const keys = openKeys(path, arns);
  const materialOf = (keyId: string): { keyArn: string; material: Buffer } => {
    const found = [...keys].find(([arn]) => arn === keyId || arn.endsWith(`/${keyId}`));
    if (!found) throw new AwsError('NotFoundException', `Key '${keyId}' does not exist`);
    return { keyArn: found[0], material: found[1] };
  };
  const encrypt = (keyId: string, text: Buffer, pairs: Readonly<Record<string, string>>) => {
    const { keyArn, material } = materialOf(keyId);
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', material, iv).setAAD(bytesOf(pairs));
    const encrypted = Buffer.concat([cipher.update(text), cipher.final()]);
    return { keyArn, blob: pack({ keyArn, iv, tag: cipher.getAuthTag(), text: encrypted }) };
  };
  const decrypt = (base64: string, pairs: Readonly<Record<string, string>>, keyId?: string) => {
    const { keyArn, iv, tag, text } = unpack(base64);
    const { material } = materialOf(keyArn);
    if (keyId !== undefined && materialOf(keyId).keyArn !== keyArn) {
      throw new AwsError('IncorrectKeyException', 'The key is not the one that encrypted the ciphertext.');
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', material, iv).setAAD(bytesOf(pairs)).setAuthTag(tag);
      return { keyArn, text: Buffer.concat([decipher.update(text), decipher.final()]) };
    } catch {
      throw invalid();
    }
  };
  const parse = <T extends z.ZodType>(schema: T, body: Buffer): z.infer<T> => {
    const parsed = jsonText(schema).safeParse(body.toString());
    if (parsed.success) return parsed.data;
    throw new AwsError('ValidationException', z.prettifyError(parsed.error));
  };

  const operations: Readonly<Record<string, (body: Buffer) => Record<string, string>>> = {
    GenerateDataKey: (body) => {
      const { KeyId, EncryptionContext } = parse(requests.GenerateDataKey, body);
      const key = randomBytes(32);
      const { keyArn, blob } = encrypt(KeyId, key, EncryptionContext);
      return { KeyId: keyArn, Plaintext: key.toString('base64'), CiphertextBlob: blob };
    },
    Decrypt: (body) => {
      const { KeyId, CiphertextBlob, EncryptionContext } = parse(requests.Decrypt, body);
      const { keyArn, text } = decrypt(CiphertextBlob, EncryptionContext, KeyId);
      return { KeyId: keyArn, Plaintext: text.toString('base64') };
    },
  };

  return async ({ operation, body }) => {
    const play = operations[operation];
    if (!play) throw new AwsError('NotImplemented', `The stack on one machine has no kms:${operation}.`, 501);
    const result = { EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', ...play(body) };
    return {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(result),
    };
  };
};
