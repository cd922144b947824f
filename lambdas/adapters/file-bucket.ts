/** Bucket of files that browsers fetch. */
import { DeleteObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { type Instant, toInstant } from '../../protocol/index.ts';

export interface PublishedFile {
  /** Path from the root of the site, without a leading slash. */
  readonly key: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly cacheControl: string;
}

export interface FileBucket {
  put(file: PublishedFile): Promise<void>;
  list(): Promise<{ key: string; writtenAt: Instant }[]>;
  remove(key: string): Promise<void>;
}

export const s3FileBucket = (bucket: string, client = new S3Client()): FileBucket => ({
  put: async ({ key, body, contentType, cacheControl }) => {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: contentType,
        CacheControl: cacheControl,
      }),
    );
  },

  list: async () => {
    const found: { key: string; writtenAt: Instant }[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      for (const { Key, LastModified } of Contents) {
        if (Key && LastModified) found.push({ key: Key, writtenAt: toInstant(LastModified.getTime()) });
      }
    }
    return found;
  },

  remove: async (key) => {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  },
});
