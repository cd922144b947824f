/**
 * Reads private keys like ssh: the OpenSSH format (PROTOCOL.key of OpenSSH), and PEM of RSA, EC and PKCS #8
 * by node:crypto.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export type SshKeyRead =
  /** `fingerprint` as in `ssh-keygen -l`; absent for keys that only ssh itself can read. */
  | { readonly ok: true; readonly algorithm?: string; readonly fingerprint?: string }
  | { readonly ok: false; readonly field: 'privateKey' | 'passphrase'; readonly message: string };

const refused = (message: string): SshKeyRead => ({ ok: false, field: 'privateKey', message });
const passphraseMissing: SshKeyRead = {
  ok: false,
  field: 'passphrase',
  message: 'is missing: this private key is encrypted',
};

const fingerprintOf = (blob: Buffer): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;

const begins = /^-----BEGIN ((?:OPENSSH |RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----$/;

const openSsh = 'OPENSSH PRIVATE KEY';

const whyNoKey = (text: string): string => {
  if (/^(ssh-|ecdsa-|sk-)\S+ /.test(text)) return 'is a public key: send the private one';
  if (text.startsWith('PuTTY-User-Key-File'))
    return 'is a key of PuTTY: export it as an OpenSSH key (puttygen -O private-openssh)';
  return 'must begin with a line such as -----BEGIN OPENSSH PRIVATE KEY-----';
};

/** Reads length-prefixed strings (RFC 4251, section 5). Throws RangeError when the bytes end too early. */
const reader = (bytes: Buffer) => {
  let at = 0;
  const uint32 = (): number => {
    const value = bytes.readUInt32BE(at);
    at += 4;
    return value;
  };
  const string = (): Buffer => {
    const length = uint32();
    if (at + length > bytes.length) throw new RangeError('The bytes end too early.');
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { uint32, string };
};

const magic = Buffer.from('openssh-key-v1\0');

const readOpenSsh = (base64: string, passphrase: string | undefined): SshKeyRead => {
  const bytes = Buffer.from(base64, 'base64');
  if (!bytes.subarray(0, magic.length).equals(magic)) return refused('is damaged: it is no OpenSSH key');
  try {
    const outer = reader(bytes.subarray(magic.length));
    const cipher = outer.string().toString();
    outer.string();
    outer.string();
    const count = outer.uint32();
    if (count !== 1) return refused(`holds ${count} keys, and ssh reads one`);
    const blob = outer.string();
    const algorithm = reader(blob).string().toString();
    const secret = reader(outer.string());
    if (cipher !== 'none' && passphrase === undefined) return passphraseMissing;
    // The two numbers are equal in a completely copied key.
    const [check, again] = cipher === 'none' ? [secret.uint32(), secret.uint32()] : [];
    if (check !== again) return refused('is damaged: copy it whole');
    return { ok: true, algorithm, fingerprint: fingerprintOf(blob) };
  } catch (error) {
    if (error instanceof RangeError) return refused('is damaged: it ends too early. Copy it whole');
    throw error;
  }
};

const sshString = (value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const fromJwk = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');
/** Number of RFC 4251: with a leading zero where it would be negative. */
const sshNumber = (bytes: Buffer): Buffer =>
  sshString((bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);

const curves: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

/** Describes the public key in ssh's format. */
const describeKey = (key: KeyObject): SshKeyRead => {
  const type = key.asymmetricKeyType;
  if (type !== 'rsa' && type !== 'ec' && type !== 'ed25519')
    return type === 'dsa'
      ? { ok: true, algorithm: 'ssh-dss' }
      : refused(`is a key that ssh does not know: ${type}`);
  if (type === 'ec' && !/^(prime256v1|secp384r1|secp521r1)$/.test(key.asymmetricKeyDetails?.namedCurve ?? ''))
    return refused(`is on the curve ${key.asymmetricKeyDetails?.namedCurve}, which ssh does not know`);
  const { n, e, crv = '', x, y } = createPublicKey(key).export({ format: 'jwk' });
  const curve = curves[crv] ?? '';
  const algorithm = { rsa: 'ssh-rsa', ec: `ecdsa-sha2-${curve}`, ed25519: 'ssh-ed25519' }[type];
  const point = Buffer.concat([Buffer.from([4]), fromJwk(x), fromJwk(y)]);
  const parts = {
    rsa: [sshNumber(fromJwk(e)), sshNumber(fromJwk(n))],
    ec: [sshString(curve), sshString(point)],
    ed25519: [sshString(fromJwk(x))],
  }[type];
  return { ok: true, algorithm, fingerprint: fingerprintOf(Buffer.concat([sshString(algorithm), ...parts])) };
};

const readPem = (pem: string, isEncrypted: boolean, passphrase: string | undefined): SshKeyRead => {
  if (isEncrypted && passphrase === undefined) return passphraseMissing;
  try {
    return describeKey(createPrivateKey({ key: pem, passphrase }));
  } catch (error) {
    // A runner's OpenSSL may know a cipher that Node's lacks.
    const isUnknown = error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_UNSUPPORTED';
    if (isEncrypted && isUnknown) return { ok: true };
    return isEncrypted
      ? { ok: false, field: 'passphrase', message: 'does not open this private key' }
      : refused('is damaged: copy it whole, with its first and its last line');
  }
};

/**
 * Returns the kind of key, or the reason why ssh cannot use it. Doesn't try the passphrase of an OpenSSH key:
 * only ssh can.
 */
export const readSshKey = (privateKey: string, passphrase?: string): SshKeyRead => {
  const lines = privateKey
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trimEnd());
  const from = lines.findIndex((line) => begins.test(line));
  const first = lines[from] ?? '';
  const rest = lines.slice(from + 1);
  const label = begins.exec(first)?.[1];
  // OpenSSH accepts text before a PEM, and none before its own format.
  if (label === undefined || (label === openSsh && from > 0))
    return refused(`line 1: ${whyNoKey(lines[0] ?? '')}`);
  const end = rest.indexOf(`-----END ${label}-----`);
  if (end < 0) return refused(`line ${lines.length}: must end with -----END ${label}-----. Copy it whole`);
  const body = rest.slice(0, end);
  const headers = body.filter((line) => line.includes(':'));
  for (const [index, line] of body.entries()) {
    const column = line.includes(':') ? -1 : line.search(/[^A-Za-z0-9+/=]/);
    if (column >= 0)
      return refused(`line ${from + index + 2}, column ${column + 1}: must be one of base64's characters`);
  }
  if (label === openSsh) return readOpenSsh(body.join(''), passphrase);
  const isEncrypted =
    label === 'ENCRYPTED PRIVATE KEY' || headers.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line));
  return readPem([first, ...rest.slice(0, end + 1), ''].join('\n'), isEncrypted, passphrase);
};
