/** Git LFS server: downloads by the batch API (git-lfs's docs/api/batch.md). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';

const batch = z.object({ objects: z.array(z.object({ oid: z.string(), size: z.int() })) });

/** Answers a request of a batch, or for an object. */
export const serveLfs = async (
  objects: ReadonlyMap<string, string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { url = '', headers } = request;
  if (!url.endsWith('/objects/batch')) {
    response.end(objects.get(url.split('/').at(-1) ?? ''));
    return;
  }
  const wanted = batch.parse(JSON.parse(await text(request)));
  const href = (oid: string) => `https://${headers.host}${url.replace(/batch$/, oid)}`;
  const answers = wanted.objects.map((object) =>
    objects.has(object.oid)
      ? { ...object, actions: { download: { href: href(object.oid) } } }
      : { ...object, error: { code: 404, message: 'Object does not exist' } },
  );
  response.setHeader('content-type', 'application/vnd.git-lfs+json');
  response.end(JSON.stringify({ transfer: 'basic', objects: answers }));
};
