/** Leaves out of the bundles what packages bring along and nothing here uses. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * Keeps the version of each package.json of the AWS SDK, as its client names it to AWS, and the English ones
 * of zod's messages: who takes all of zod gets 250 KB of translations.
 */
export const slimPackages: Plugin = {
  name: 'slim-packages',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]@aws-sdk[\\/].+[\\/]package\.json$/ }, async ({ path }) => {
      const { version }: { version: string } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/**
 * Matches what the SDK imports only in cases that a function never meets. Ways to credentials, when the
 * environment has none: Lambda's always has. Streams of events, which no call of ours answers with. The
 * parser of a browser's name.
 */
const neverImported =
  /^(@aws-sdk\/credential-provider-(http|ini|process|sso|web-identity)|@smithy\/(credential-provider-imds|core\/event-streams)|bowser)$/;

/** Keeps `import()` of these as it is, so that they stay out of a function. Static imports are bundled. */
export const withoutUnmetCases: Plugin = {
  name: 'without-unmet-cases',
  setup: ({ onResolve }) => {
    onResolve({ filter: neverImported }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};
