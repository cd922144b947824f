import { describe, expect, it } from 'vitest';
import { addMs, toInstant } from '../../protocol/index.ts';
import type { FileBucket, PublishedFile } from '../adapters/file-bucket.ts';
import { clearConsole, describeFile, publishConsole } from './publish-console.ts';

const start = toInstant(Date.parse('2026-11-24T10:00:00Z'));
const days = (count: number) => count * 24 * 3_600_000;

const aBucket = () => {
  let now = start;
  const files = new Map<string, PublishedFile & { writtenAt: typeof start }>();
  const bucket: FileBucket = {
    put: async (file) => {
      files.delete(file.key);
      files.set(file.key, { ...file, writtenAt: now });
    },
    list: async () => [...files.values()],
    remove: async (key) => {
      files.delete(key);
    },
  };
  return {
    bucket,
    files,
    now: () => now,
    pass: (ms: number) => {
      now = addMs(now, ms);
    },
  };
};
const release = (...keys: string[]) => new Map(keys.map((key) => [key, Buffer.from(key)]));

describe('the published console', () => {
  it('has its page only after all files that the page loads', async () => {
    const { bucket, files, now } = aBucket();
    await publishConsole({ bucket, now }, release('index.html', 'assets/a-1.js', 'icon.svg'));
    expect([...files.keys()]).toEqual(['assets/a-1.js', 'icon.svg', 'index.html']);
  });

  it('keeps the previous release for open pages, for a week', async () => {
    const { bucket, files, now, pass } = aBucket();
    await publishConsole({ bucket, now }, release('index.html', 'assets/a-1.js'));
    pass(days(6));
    await publishConsole({ bucket, now }, release('index.html', 'assets/a-2.js'));
    expect([...files.keys()].sort()).toEqual(['assets/a-1.js', 'assets/a-2.js', 'index.html']);
    pass(days(2));
    await publishConsole({ bucket, now }, release('index.html', 'assets/a-3.js'));
    expect([...files.keys()].sort()).toEqual(['assets/a-2.js', 'assets/a-3.js', 'index.html']);
  });

  it('is removed completely with the stack', async () => {
    const { bucket, files, now } = aBucket();
    await publishConsole({ bucket, now }, release('index.html', 'assets/a-1.js'));
    await clearConsole(bucket);
    expect([...files.keys()]).toEqual([]);
  });

  it.each([
    ['assets/index-4f2a.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['favicon.svg', 'image/svg+xml; charset=utf-8', 'no-cache'],
    ['assets/index-4f2a.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['assets/inter-4f2a.woff2', 'font/woff2', 'public, max-age=31536000, immutable'],
    ['unknown', 'application/octet-stream', 'no-cache'],
  ])('gives %s the type %s and keeps it %s', (key, contentType, cacheControl) => {
    expect(describeFile(key)).toEqual({ contentType, cacheControl });
  });
});
