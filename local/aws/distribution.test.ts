import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listenOnLoopback, stopServer } from '../http-server.ts';
import type { BehaviorSpec } from '../template/distribution.ts';
import { makeDistribution } from './distribution.ts';

const toIndex =
  'function handler(event) { const { request } = event; if (!request.uri.includes(".")) request.uri = "/index.html"; return request; }';
const files: Record<string, { type: string; cacheControl: string; body: string }> = {
  'index.html': { type: 'text/html', cacheControl: 'no-cache', body: '<!doctype html>the page' },
  'assets/a-1.js': { type: 'text/javascript', cacheControl: 'immutable', body: '//'.padEnd(5000, '-') },
};
const toApi: BehaviorSpec = {
  pathPattern: '/api/*',
  methods: ['GET', 'POST'],
  origin: { kind: 'http-api', headers: { 'x-edge': 'key' } },
  headers: {},
};
const toFiles: BehaviorSpec = {
  pathPattern: '*',
  methods: ['GET', 'HEAD'],
  origin: { kind: 'bucket', bucket: 'console' },
  headers: { 'content-security-policy': "default-src 'none'" },
  viewerRequest: toIndex,
};

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

/** An API that answers 404 to every path, and returns the request's URL and headers. */
const api: RequestListener = (request, response) =>
  response
    .writeHead(404, { 'content-type': 'application/json' })
    .end(JSON.stringify({ url: request.url, headers: request.headers }));

const serve = async (): Promise<string> => {
  const listener = makeDistribution({
    spec: { behaviors: [toApi, toFiles] },
    httpApi: api,
    fillIn: (text) => text,
    readFile: async (bucket, key) => {
      const file = bucket === 'console' ? files[key] : undefined;
      if (!file) return { status: 404, headers: {}, body: '' };
      const headers = { 'content-type': file.type, 'cache-control': file.cacheControl, etag: `"${key}"` };
      return { status: 200, headers, body: file.body };
    },
  });
  const server = createServer(listener);
  const port = await listenOnLoopback(server, 0);
  undo.push(() => stopServer(server));
  return `http://127.0.0.1:${port}`;
};

describe('the distribution', () => {
  it.each(['/', '/projects/prj_1/tasks'])(
    'serves the single page for %s, with the headers of the template',
    async (path) => {
      const answer = await fetch(`${await serve()}${path}?x=1`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'");
      expect(answer.headers.get('cache-control')).toBe('no-cache');
      expect(await answer.text()).toContain('the page');
    },
  );

  it('compresses a file and keeps its cache control', async () => {
    const answer = await fetch(`${await serve()}/assets/a-1.js`, { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.headers.get('cache-control')).toBe('immutable');
    expect(await answer.text()).toHaveLength(5000);
  });

  it('answers 304 to a client that has the file', async () => {
    const answer = await fetch(`${await serve()}/`, { headers: { 'if-none-match': '"index.html"' } });
    expect(answer.status).toBe(304);
  });

  it('answers 404 for a missing file', async () => {
    const answer = await fetch(`${await serve()}/assets/a-0.js`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'");
  });

  it('keeps a 404 of the API, and adds the client address and the edge key to the request', async () => {
    const answer = await fetch(`${await serve()}/api/nothing?y=2`, {
      headers: { 'x-forwarded-for': '10.0.0.1' },
    });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      url: '/api/nothing?y=2',
      headers: { 'x-edge': 'key', 'x-forwarded-for': '10.0.0.1, 127.0.0.1, 127.0.0.1' },
    });
  });

  it('rejects a method that the behavior does not allow', async () => {
    expect((await fetch(`${await serve()}/`, { method: 'POST' })).status).toBe(403);
  });
});
