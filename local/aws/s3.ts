/**
 * S3's stand-in: fauxqs in this process, with buckets in memory. Each start uploads the files of a deployment
 * again.
 */
import { buildApp } from 'fauxqs';
import { inProcess } from '../gateway/in-process.ts';
import { type AwsAnswer, AwsError, type AwsService } from './call.ts';

export interface S3 {
  readonly service: AwsService;
  /** Reads a file for CloudFront. */
  read(bucket: string, key: string): Promise<AwsAnswer>;
  stop(): Promise<void>;
}

/**
 * Supported operations, by method and by whether the path names an object.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/
 */
const operations: Readonly<Record<string, string>> = {
  'GET bucket': 'ListObjectsV2',
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'PUT object': 'PutObject',
  'DELETE object': 'DeleteObject',
};

/** Returns the operation's name, which follows from method and path: S3 has no header for it. */
export const s3OperationOf = (method: string, url: string): string => {
  const { pathname } = new URL(url, 'http://s3');
  const what = `${method} ${/^\/[^/]+\/./.test(pathname) ? 'object' : 'bucket'}`;
  const operation = operations[what];
  if (!operation) throw new AwsError('NotImplemented', `The stack on one machine has no S3 ${what}.`, 501);
  return operation;
};

/** Starts S3 and creates the template's buckets. */
export const startS3 = async (region: string, buckets: readonly string[]): Promise<S3> => {
  const app = buildApp({ logger: false, defaultRegion: region });
  await app.ready();
  const service = inProcess((options) => app.inject(options));
  for (const bucket of buckets) {
    const made = await service({ method: 'PUT', path: `/${bucket}`, headers: {}, body: Buffer.alloc(0) });
    if (made.status !== 200) throw new Error(`The bucket ${bucket} cannot be made: ${made.body.toString()}`);
  }
  return {
    service,
    read: (bucket, key) =>
      service({ method: 'GET', path: `/${bucket}/${key}`, headers: {}, body: Buffer.alloc(0) }),
    stop: async () => app.close(),
  };
};
