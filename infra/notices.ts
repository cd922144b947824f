/** Notices of a bundle: its packages, with their versions and the texts of their licenses. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

const licenseFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Folder of the package that holds the file; undefined for a file of our own. */
const packageFolder = (path: string): string | undefined =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];

interface Package {
  readonly name: string;
  readonly text: string;
}

const readPackage = (folder: string): Package => {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const { name, version, license } = manifest.parse(JSON.parse(text));
  const texts = readdirSync(folder)
    .filter((file) => licenseFile.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { name: `${name} ${version} (${license})`, text: texts.join('\n\n') };
};

/**
 * Returns the notices for a bundle of these files, whose paths are relative to `root`. Packages with the same
 * text share it. Throws for a package whose package.json names no license.
 */
export const noticesOf = (root: string, files: Iterable<string>): string => {
  const folders = new Set([...files].map(packageFolder).filter((folder) => folder !== undefined));
  const packages = [...folders].map((folder) => readPackage(join(root, folder)));
  const parts = [...Map.groupBy(packages, ({ text }) => text)].map(([text, sharing]) =>
    [...sharing.map(({ name }) => name).sort(), '', text].join('\n').trim(),
  );
  const line = `\n\n${'-'.repeat(80)}\n\n`;
  return `This program contains the packages below.${line}${parts.sort().join(line)}\n`;
};
