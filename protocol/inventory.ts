/** Hosts for Ansible, with their key and the tag that routes their tasks. */
import * as z from 'zod';
import { instant, knownHosts, name, repositoryPath, tag } from './common.ts';
import { inventoryId, keyId, projectId } from './ids.ts';
import { written } from './text.ts';

const shared = { name, keyId: keyId.optional(), tag: tag.optional(), knownHosts: knownHosts.optional() };
const content = z.string().min(1).max(200_000);

const staticIni = z.strictObject({ ...shared, type: z.literal('static'), content: content.describe('INI') });
const staticYaml = z.strictObject({
  ...shared,
  type: z.literal('static-yaml'),
  content: content.describe('YAML'),
});
const file = z.strictObject({
  ...shared,
  type: z.literal('file'),
  path: repositoryPath.describe("In the template's repository"),
});

/** Inventory as a runner gets it. */
export const inventoryFields = z.discriminatedUnion('type', [staticIni, staticYaml, file]);
export const inventoryInput = written(inventoryFields, { lines: ['name', 'path'], names: ['tag'] }).meta({
  id: 'InventoryInput',
});
export type InventoryInput = z.infer<typeof inventoryInput>;

const stored = { id: inventoryId, projectId, createdAt: instant };

/**
 * Union of whole objects rather than an intersection, which strict objects make unsatisfiable in JSON Schema.
 */
export const inventory = z
  .discriminatedUnion('type', [
    staticIni.strip().extend(stored),
    staticYaml.strip().extend(stored),
    file.strip().extend(stored),
  ])
  .meta({ id: 'Inventory' });
export type Inventory = z.infer<typeof inventory>;
