import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { buildApp } from 'fauxqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { s3FileBucket } from './file-bucket.ts';

const app = buildApp({ logger: false });
let client: S3Client;
beforeAll(async () => {
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
  const credentials = { accessKeyId: 'A', secretAccessKey: 'S' };
  client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'console' }));
});
afterAll(async () => {
  client?.destroy();
  await app.close();
});

/** Maximum keys of a page (AWS: ListObjectsV2, MaxKeys). */
const mostInAPage = 1000;

it('lists all files of a bucket over several pages, until they are removed', async () => {
  const bucket = s3FileBucket('console', client);
  const keys = Array.from({ length: mostInAPage + 1 }, (_, n) => `assets/${String(n).padStart(4, '0')}.js`);
  const file = { body: Buffer.from('x'), contentType: 'text/javascript', cacheControl: 'no-cache' };
  const waiting = [...keys];
  const putNext = async (): Promise<void> => {
    for (let key = waiting.pop(); key; key = waiting.pop()) await bucket.put({ key, ...file });
  };
  await Promise.all(Array.from({ length: 20 }, putNext));
  const found = await bucket.list();
  expect(found.map(({ key }) => key)).toEqual(keys);
  expect(found.every(({ writtenAt }) => /^\d{4}-.*Z$/.test(writtenAt))).toBe(true);
  await bucket.remove(keys[0] ?? '');
  expect(await bucket.list()).toHaveLength(mostInAPage);
});
