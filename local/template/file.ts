/** A synthesized template and its assets, as the CDK writes them to a folder. */
import { dirname, resolve as resolvePath } from 'node:path';
import * as z from 'zod';
import { readJsonFile } from '../json.ts';

const resource = z.object({
  Type: z.string(),
  Condition: z.string().optional(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});
const templateFile = z.object({
  Resources: z.record(z.string(), resource),
  Parameters: z.record(z.string(), z.object({ Default: z.unknown().optional() })).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
});
const assetsFile = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

export type Template = z.infer<typeof templateFile>;

/** Folders of the assets, by the object key in the template. */
export type Assets = ReadonlyMap<string, string>;

/** Reads `<stack>.template.json` and the asset manifest beside it. */
export const readTemplate = (path: string): { template: Template; assets: Assets } => {
  const manifest = readJsonFile(path.replace(/\.template\.json$/, '.assets.json'), assetsFile);
  const assets = new Map<string, string>();
  for (const { source, destinations } of Object.values(manifest.files)) {
    for (const { objectKey } of Object.values(destinations)) {
      assets.set(objectKey, resolvePath(dirname(path), source.path));
    }
  }
  return { template: readJsonFile(path, templateFile), assets };
};
