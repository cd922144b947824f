/**
 * Bundles the functions and the agent with esbuild, all at the same time, as `npm start` bundles after each
 * change. CDK's NodejsFunction would bundle one function after the other.
 */
import { existsSync, globSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { plainSchemaKeys } from './aws-schemas.ts';
import { withLock } from './build-lock.ts';
import { unlessBuilt } from './built.ts';
import { buildConsole } from './console-build.ts';
import { lazyBuiltins } from './lazy-builtins.ts';
import { noticesOf } from './notices.ts';
import { pureConstants } from './pure-constants.ts';
import { slimPackages, withoutUnmetCases } from './slim-packages.ts';
import { mirror, writeWhole } from './write-files.ts';

/** Lists the functions: the folders of `lambdas/` whose `index.ts` exports `handler`. */
export const functionNamesIn = (root: string): string[] =>
  globSync('lambdas/*/index.ts', { cwd: root }).map((file) => basename(dirname(file)));

export interface Bundles {
  /** Folder of a function: `index.mjs`, files with its rare parts, source maps, and what it serves. */
  readonly folderOf: (name: string) => string;
  /** The agent, as one executable file. */
  readonly agentFile: string;
  /** The command line `reveille`, as one executable file. */
  readonly cliFile: string;
  /** The built console: `index.html` and `assets/`. */
  readonly consoleFolder: string;
}

/** File with the licenses of the packages in a bundle, beside it. */
export const noticesName = 'THIRD-PARTY-NOTICES.txt';

const entryFileOf = (name: string) => `lambdas/${name}/index.ts`;
const agentEntryFile = 'runner-agent/main.ts';
const cliEntryFile = 'cli/main.ts';

/**
 * Sources of the bundles, with package.json for its version and package-lock.json for esbuild and all
 * libraries.
 */
const sources = [
  ...['lambdas', 'protocol', 'runner-agent', 'cli'],
  ...['aws-schemas', 'bundle', 'lazy-builtins', 'pure-constants', 'remembered', 'slim-packages'].map(
    (plugin) => `infra/${plugin}.ts`,
  ),
  ...['package.json', 'package-lock.json', 'tsconfig.json'],
];

/** Defines `require`, which CommonJS dependencies call and an ES module lacks. */
export const defineRequire =
  'import { createRequire as bundleCreateRequire } from "node:module";' +
  'const require = bundleCreateRequire(import.meta.url);';

const options = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  // ES modules first: bundles are a fifth to a third smaller than with CommonJS.
  mainFields: ['module', 'main'],
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  write: false,
  metafile: true,
  plugins: [plainSchemaKeys, lazyBuiltins, pureConstants, slimPackages],
} satisfies BuildOptions;

/**
 * Bundles everything from the sources under `root` into `dist/` there.
 * Throws an error that names missing entry files.
 */
export const bundle = (root: string): Promise<Bundles> =>
  withLock(join(root, 'dist/bundle-tickets'), () => bundleAlone(root));

const bundleAlone = async (root: string): Promise<Bundles> => {
  const missing = [agentEntryFile, cliEntryFile].filter((file) => !existsSync(join(root, file)));
  if (missing.length > 0)
    throw new Error(`Can't bundle, as ${missing.join(', ')} does not exist: restore it, or check ${root}`);

  const functionNames = functionNamesIn(root);
  const dist = join(root, 'dist');
  const lambdas = join(dist, 'lambdas');
  const agentFile = join(dist, 'runner-agent/reveille-runner.mjs');
  const cliFile = join(dist, 'cli/reveille.mjs');
  const built = {
    root,
    sources,
    marker: join(dist, 'bundles.fingerprint'),
    results: [...functionNames.map((name) => join(lambdas, name, 'index.mjs')), agentFile, cliFile],
  };
  const bundles = unlessBuilt(built, async () => {
    const files = await bundleAll(root, functionNames, { lambdas, agentFile, cliFile });
    for (const { path, contents } of files)
      writeWhole(path, contents, path === agentFile || path === cliFile ? 0o755 : 0o644);
    const made = new Set(files.map(({ path }) => path));
    for (const name of globSync('*/*.mjs{,.map}', { cwd: lambdas }))
      if (!made.has(join(lambdas, name))) rmSync(join(lambdas, name));
  });
  const [consoleFolder] = await Promise.all([buildConsole(root), bundles]);
  // The function that publishes the console carries it with its code.
  mirror(consoleFolder, join(lambdas, 'console-files/console'));

  return { folderOf: (name) => join(lambdas, name), agentFile, cliFile, consoleFolder };
};

interface Outputs {
  readonly lambdas: string;
  readonly agentFile: string;
  readonly cliFile: string;
}

/** A file that the build makes. */
export interface BuiltFile {
  readonly path: string;
  readonly contents: Uint8Array | string;
}

/** Bundles, and adds the notices of the bundle to its folder. Writes nothing. */
const run = async (root: string, own: BuildOptions, more: readonly Plugin[] = []): Promise<BuiltFile[]> => {
  const { outputFiles, metafile } = await build({
    ...own,
    ...options,
    plugins: [...options.plugins, ...more],
    absWorkingDir: root,
  });
  const byFolder = Map.groupBy(Object.entries(metafile.outputs), ([path]) => dirname(path));
  const notices = [...byFolder].map(([folder, outputs]) => ({
    path: resolve(root, folder, noticesName),
    contents: noticesOf(
      root,
      outputs.flatMap(([, { inputs }]) => Object.keys(inputs).filter((file) => inputs[file]?.bytesInOutput)),
    ),
  }));
  return [...outputFiles, ...notices];
};

/**
 * Bundles a function into a folder, without writing there: `index.mjs`, and files with the parts that it
 * imports when needed. Each function alone, as esbuild leaves out only what none of those uses that it
 * bundles together.
 */
export const bundleFunction = (root: string, entryFile: string, outdir: string): Promise<BuiltFile[]> =>
  run(
    root,
    {
      entryPoints: { index: entryFile },
      outdir,
      outExtension: { '.js': '.mjs' },
      splitting: true,
      target: 'node24',
      inject: ['lambdas/stack-traces.ts'],
      banner: { js: defineRequire },
    },
    [withoutUnmetCases],
  );

const bundleAll = async (
  root: string,
  functionNames: readonly string[],
  { lambdas, agentFile, cliFile }: Outputs,
): Promise<BuiltFile[]> => {
  const program = (entryFile: string, outfile: string, target: string) =>
    run(root, {
      target,
      entryPoints: [entryFile],
      outfile,
      banner: { js: `#!/usr/bin/env node\n${defineRequire}` },
    });
  const results = await Promise.all([
    ...functionNames.map((name) => bundleFunction(root, entryFileOf(name), join(lambdas, name))),
    program(agentEntryFile, agentFile, 'node24'),
    // Users' machines may have an older Node.
    program(cliEntryFile, cliFile, 'node22'),
  ]);
  return results.flat();
};

if (import.meta.main) {
  const startedAt = performance.now();
  const root = join(import.meta.dirname, '..');
  const { agentFile, cliFile } = await bundle(root);
  console.log(
    `Bundled ${functionNamesIn(root).length} functions, ${agentFile} and ${cliFile} in ${Math.round(performance.now() - startedAt)} ms`,
  );
}
