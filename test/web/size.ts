/** Projects at size on a running stack: what the tests and the screenshots look at. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { newId } from '../../lambdas/adapters/ids.ts';
import { dataKeys } from '../../lambdas/adapters/secrets/data-keys.ts';
import { kmsKeyService } from '../../lambdas/adapters/secrets/kms-keys.ts';
import { sealedTable } from '../../lambdas/adapters/secrets/secret-attributes.ts';
import { makeVault } from '../../lambdas/adapters/secrets/secret-encryption.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import type { LocalStack } from '../../local/stack.ts';
import { type ProjectId, toInstant } from '../../protocol/index.ts';
import { writeAll } from '../batch-write.ts';
import type { Client } from '../client.ts';
import { type Stock, stockItems } from '../stock.ts';

/** Makes a project with a stock beside its own first runner, which is called `first`. */
export const stockProject = async (
  { stack, api }: { readonly stack: LocalStack; readonly api: Client },
  name: string,
  stock: Stock,
): Promise<ProjectId> => {
  const { id } = await api.createProject(name);
  // The first secret of a project makes its data key, which names the key that wraps it.
  await api.createRunner(id, { name: 'first' });
  const { endpoint, region, credentials, tableName } = stack.operator;
  const connection = { endpoint, region, credentials };
  const client = new DynamoDBClient(connection);
  const kms = new KMSClient(connection);
  const table = openTable(tableName, client);
  const [dataKey] = (await table.query({ pk: id, prefix: 'dek_' })).items;
  const service = kmsKeyService(String(dataKey?.wrappedBy), kms);
  const now = () => toInstant(Date.now());
  const vault = makeVault(dataKeys(table, { service, now, newId }));
  await writeAll(client, tableName, await stockItems(id, stock, (plain) => sealedTable(plain, vault)));
  client.destroy();
  kms.destroy();
  return id;
};
