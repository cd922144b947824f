/** Leaves out of the bundles what packages bring along and nothing here uses. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * Of each client of the AWS SDK's package.json, the version: it names it to AWS. Of zod's messages, the
 * English ones: zod-openapi takes all of zod, and 250 KB of it are translations.
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
 * What the SDK imports only in cases that a function never meets. Ways to credentials, when the environment
 * has none: Lambda's always has. Streams of events, which no call of ours answers with. The parser of a
 * browser's name.
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
