/**
 * Lets esbuild drop the unused schemas of the AWS SDK's clients.
 *
 * The SDK writes the keys of its schemas as constants in brackets (`{ [_xN]: 'item' }`). esbuild must assume
 * that such a key has side effects, so one command of EC2 brought all 550 KB of EC2's schemas along: a third
 * of the time in which a function loads.
 */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { remembered } from './remembered.ts';

const schemaFiles = /[\\/]@aws-sdk[\\/].+[\\/]schemas_\d+\.js$/;

/** Replaces each `[_name]:` whose constant is a string of the same source by the string. */
export const withPlainKeys = remembered((source) => {
  const constants = new Map<string, string>();
  for (const [, name = '', text = ''] of source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm))
    constants.set(name, text);
  return source.replaceAll(/\[(_\w+)\]:/g, (key, name: string) => {
    const text = constants.get(name);
    return text === undefined ? key : `${text}:`;
  });
});

export const plainSchemaKeys: Plugin = {
  name: 'plain-schema-keys',
  setup: ({ onLoad }) => {
    onLoad({ filter: schemaFiles }, async ({ path }) => ({
      contents: withPlainKeys(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};
