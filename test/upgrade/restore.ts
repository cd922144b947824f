/** Starts the current stack on the data of an earlier version's stack. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { type LocalStack, startStack } from '../../local/stack.ts';
import type { ProjectId } from '../../protocol/index.ts';
import { readItems, replaceTable, type StoredItem } from './items.ts';

const accessFile = z.object({
  url: z.string(),
  projectId: z.custom<ProjectId>(),
  adminToken: z.string(),
  email: z.string(),
  password: z.string(),
});

export interface Restored {
  readonly stack: LocalStack;
  readonly projectId: ProjectId;
  readonly adminToken: string;
  /** Items in the table when the stack started. */
  readonly items: readonly StoredItem[];
}

/**
 * Restores a dump. `version` is a folder beside this file, `dataDir` an empty folder. The first start creates
 * the table, and the dump then replaces its items. The second start is the upgraded stack, on the same port,
 * by which the agents know the API.
 */
export const restore = async (
  version: string,
  dataDir: string,
  templateDir: string,
  log: (source: string, line: string) => void,
): Promise<Restored> => {
  const source = join(import.meta.dirname, version);
  const access = accessFile.parse(JSON.parse(readFileSync(join(source, 'access.json'), 'utf8')));
  cpSync(join(source, 'kms'), join(dataDir, 'kms'), { recursive: true });
  const first = await startStack({ dataDir, templateDir, schedules: false });
  const port = Number(new URL(first.url).port);
  const rewrite = (text: string): string => text.replaceAll(access.url, first.url);
  const items = readItems(join(source, 'table.jsonl.gz'), rewrite);
  try {
    const { endpoint, region, credentials, tableName } = first.operator;
    const client = new DynamoDBClient({ endpoint, region, credentials });
    await replaceTable(client, tableName, items);
    client.destroy();
  } finally {
    await first.stop();
  }

  const file = z.object({ instances: z.array(z.looseObject({ id: z.string() })) });
  const machines = readFileSync(join(source, 'instances.json'), 'utf8');
  writeFileSync(join(dataDir, 'instances.json'), machines);
  for (const { id } of file.parse(JSON.parse(machines)).instances) {
    const disk = join(dataDir, 'instances', id);
    mkdirSync(disk, { recursive: true });
    const config = join(source, 'instances', id, 'runner.json');
    if (existsSync(config)) writeFileSync(join(disk, 'runner.json'), rewrite(readFileSync(config, 'utf8')));
  }
  const stack = await startStack({ dataDir, templateDir, port, schedules: false, log });
  return { stack, projectId: access.projectId, adminToken: access.adminToken, items };
};
