/** A real sshd on a loopback address of its own that accepts one key. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { until } from '../client.ts';
import { run } from './tools.ts';

export interface SshServer {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Line for known_hosts. */
  readonly knownHost: string;
  /** Log of sshd. */
  log(): string;
  stop(): void;
}

export interface SshServerOptions {
  /** Folder of its files; created here. */
  readonly folder: string;
  /** Address from 127.0.0.2 up, so that servers are different hosts. */
  readonly address: string;
  /** Public key that may log in. */
  readonly publicKey: string;
  /** Variable HOST_NAME of its sessions, which identifies the host in a test. */
  readonly name: string;
}

const freePort = (address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0));
    });
  });

const answers = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });

/** Makes a key pair; returns the private key, and the public key as a line of authorized_keys. */
export const makeSshKey = (file: string, passphrase = '') => {
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', file]);
  return { privateKey: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
};

export const startSshServer = async (options: SshServerOptions): Promise<SshServer> => {
  const { folder, address, publicKey, name } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // sshd as root separates privileges in this folder, which Debian's service would create.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const hostKey = makeSshKey(join(folder, 'host_key'));
  const authorized = join(folder, 'authorized_keys');
  writeFileSync(authorized, `${publicKey}\n`, { mode: 0o600 });
  const port = await freePort(address);
  const config = join(folder, 'sshd_config');
  writeFileSync(
    config,
    [
      `ListenAddress ${address}:${port}`,
      `HostKey ${join(folder, 'host_key')}`,
      `AuthorizedKeysFile ${authorized}`,
      `PidFile ${join(folder, 'sshd.pid')}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      'UsePAM no',
      `SetEnv HOST_NAME=${name}`,
      'Subsystem sftp internal-sftp',
      '',
    ].join('\n'),
  );
  const logFile = join(folder, 'sshd.log');
  const server: ChildProcess = spawn('/usr/sbin/sshd', ['-D', '-f', config, '-E', logFile], {
    stdio: 'ignore',
  });
  const log = () => readFileSync(logFile, 'utf8');
  await until(`sshd answers on ${address}:${port}`, 10_000, () => answers(address, port));
  return {
    address,
    port,
    user: userInfo().username,
    knownHost: `[${address}]:${port} ${hostKey.publicKey.split(' ').slice(0, 2).join(' ')}`,
    log,
    stop: () => void server.kill('SIGTERM'),
  };
};
