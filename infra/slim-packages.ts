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
 * What the SDK imports in cases that a function never meets; it stays out of the bundles of functions. Ways to
 * credentials, when the environment has none: Lambda's always has. Streams of events, which no call of ours
 * answers with. The parser of a browser's name.
 */
export const neverImported: readonly string[] = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
  '@smithy/core/event-streams',
  'bowser',
];
