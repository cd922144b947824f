import { expect, it } from 'vitest';
import { aPrincipal } from '../testing/fixture.ts';
import { startDynamoDb } from './dynamodb.ts';

const table = {
  name: 'Things',
  attributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' as const }],
  keySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }],
  globalSecondaryIndexes: [],
};

it('answers the calls under way before it closes its store, and refuses later ones', async () => {
  const dynamoDb = await startDynamoDb([table]);
  const put = (n: number) =>
    dynamoDb.service({
      service: 'dynamodb',
      operation: 'PutItem',
      region: 'eu-central-1',
      principal: aPrincipal(),
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.PutItem',
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b',
        'x-amz-date': '20260101T000000Z',
      },
      body: Buffer.from(JSON.stringify({ TableName: 'Things', Item: { pk: { S: String(n) } } })),
      hungUp: () => false,
    });
  const puts = Array.from({ length: 50 }, (_, n) => put(n));
  await dynamoDb.stop();
  expect((await Promise.all(puts)).map(({ status }) => status)).toEqual(puts.map(() => 200));
  await expect(put(50)).rejects.toThrow('The stack has been stopped');
});
