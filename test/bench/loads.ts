/** Loads a function: counts the bytes that this reads, and the processor time that it takes. */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A bundled function, apart from all packages, as in Lambda. */
export interface BundledFunction {
  readonly name: string;
  readonly entryFile: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A value for any variable of the functions, with which they load. */
const valueFor = (name: string): string => {
  if (/_MAX$|_DAYS$/.test(name)) return '10';
  if (/_ALLOWED$/.test(name)) return '';
  return /_ARN|ARN_/.test(name) ? 'arn:aws:iam::000000000000:role/some' : 'https://bench.test';
};

/** Environment of the functions of a checkout: Lambda's, theirs, and the options of Node in its template. */
const environmentOf = (checkout: string): Record<string, string> => {
  const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
  const names = [...read('lambdas/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(
    ([, name = '']) => name,
  );
  const optional = new Set(['RUNNER_FLEETS', 'AWS_ENDPOINT_URL']);
  const [, nodeOptions] = /NODE_OPTIONS: '(.+)'/.exec(read('infra/functions.ts')) ?? [];
  return {
    ...Object.fromEntries(names.filter((name) => !optional.has(name)).map((name) => [name, valueFor(name)])),
    ...(nodeOptions !== undefined && { NODE_OPTIONS: nodeOptions }),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'some',
    AWS_SECRET_ACCESS_KEY: 'some',
    AWS_SESSION_TOKEN: 'some',
  };
};

/** Copies the functions of a built checkout into `folder`. */
export const copyFunctions = (checkout: string, folder: string): BundledFunction[] => {
  const environment = environmentOf(checkout);
  cpSync(join(checkout, 'dist/lambdas'), folder, { recursive: true });
  return globSync('*/index.mjs', { cwd: folder })
    .sort()
    .map((path) => ({ name: basename(dirname(path)), entryFile: join(folder, path), environment }));
};

const runNode = ({ entryFile, environment }: BundledFunction, before: string, after: string): number => {
  const load = `import(${JSON.stringify(pathToFileURL(entryFile).href)})`;
  const script = `${before}; ${load}.then(() => { ${after} })`;
  return Number(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env: environment }));
};

/** Prints without waiting, and ends the clients of AWS with the process. */
const printAndExit = (value: string) => `require('node:fs').writeSync(1, String(${value})); process.exit();`;

/** Bytes of all files that the load reads. */
export const loadedBytes = (one: BundledFunction): number =>
  runNode(
    one,
    `let bytes = 0;
     require('node:module').registerHooks({
       load: (url, context, next) => {
         if (url.startsWith('file:')) bytes += require('node:fs').statSync(new URL(url)).size;
         return next(url, context);
       },
     })`,
    printAndExit('bytes'),
  );

/** Processor time of the load in a new process, in milliseconds, without the start of Node itself. */
export const loadMs = (one: BundledFunction): number =>
  runNode(
    one,
    'const before = process.cpuUsage()',
    `const { user, system } = process.cpuUsage(before); ${printAndExit('(user + system) / 1000')}`,
  );
