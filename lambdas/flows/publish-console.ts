/** Uploads the built console into its bucket, and removes files that no browser needs any longer. */
import { getMimeType } from 'hono/utils/mime';
import { addMs, type Clock } from '../../protocol/index.ts';
import type { FileBucket, PublishedFile } from '../adapters/file-bucket.ts';

/** A page that was opened before a release still loads the previous release's files, for this long. */
const keepMs = 7 * 24 * 3_600_000;

/** Headers for browsers: files in `assets/` have a hash in their name, and so never change. */
export const describeFile = (key: string): Pick<PublishedFile, 'contentType' | 'cacheControl'> => ({
  contentType: getMimeType(key) ?? 'application/octet-stream',
  cacheControl: key.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
});

interface Deps {
  readonly bucket: FileBucket;
  readonly now: Clock;
}

/** Uploads pages last, after the files that they load. */
export const publishConsole = async (
  { bucket, now }: Deps,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> => {
  const isPage = (key: string) => key.endsWith('.html');
  const keys = [...files.keys()];
  for (const group of [keys.filter((key) => !isPage(key)), keys.filter(isPage)]) {
    await Promise.all(
      group.map(async (key) => {
        const body = files.get(key);
        if (body) await bucket.put({ key, body, ...describeFile(key) });
      }),
    );
  }
  const before = addMs(now(), -keepMs);
  const old = (await bucket.list()).filter(({ key, writtenAt }) => !files.has(key) && writtenAt < before);
  await Promise.all(old.map(({ key }) => bucket.remove(key)));
};

/** For the removal of a stack: CloudFormation removes only empty buckets. */
export const clearConsole = async (bucket: FileBucket): Promise<void> => {
  for (const { key } of await bucket.list()) await bucket.remove(key);
};
