/**
 * Real git server: git's own http-backend behind https with a certificate made for it, which requires a
 * login.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { serveLfs } from './lfs.ts';

export interface GitServer {
  /** URL without a slash at the end. */
  readonly url: string;
  /** Path of the certificate, for GIT_SSL_CAINFO. */
  readonly certificate: string;
  /** Path and Authorization header of each request. */
  readonly seen: { path: string; authorization: string | undefined }[];
  /** Objects of Git LFS by their SHA-256, for all repositories. */
  readonly lfs: Map<string, string>;
  /** Redirects requests whose path begins with `path` to the URL. */
  redirect(path: string, url: string): void;
  close(): void;
}

export interface GitServerOptions {
  /** Folder of the repositories and the certificate. */
  folder: string;
  /** "user:password". If absent, everything is public. */
  login?: string;
}

/** Passes the request to git http-backend as a CGI program (RFC 3875), and returns its answer. */
const serveGit = (folder: string, request: IncomingMessage, response: ServerResponse): void => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost');
  const header = (name: string) => String(request.headers[name] ?? '');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH ?? '',
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      HTTP_GIT_PROTOCOL: header('git-protocol'),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.once('close', () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf('\r\n\r\n');
    for (const line of answer.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name === 'Status') response.statusCode = Number(value.slice(0, 3));
      else response.setHeader(name, value);
    }
    response.end(answer.subarray(end + 4));
  });
};

/** Creates a certificate for the loopback address in the folder, or uses the existing one. */
const certify = (folder: string) => {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'certificate-key.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const make = ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate];
  if (!existsSync(certificate)) execFileSync('openssl', make, { stdio: 'pipe' });
  return { certificate, key };
};

export const startGitServer = async ({ folder, login }: GitServerOptions): Promise<GitServer> => {
  const { certificate, key } = certify(folder);
  const seen: GitServer['seen'] = [];
  const redirects = new Map<string, string>();
  const lfs: GitServer['lfs'] = new Map();
  const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    (request, response) => {
      const { url: path = '/', headers } = request;
      seen.push({ path, authorization: headers.authorization });
      const to = [...redirects].find(([from]) => path.startsWith(from));
      if (to) response.writeHead(302, { location: `${to[1]}${path.slice(to[0].length)}` }).end();
      else if (expected && headers.authorization !== expected)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      else if (path.includes('/info/lfs/')) void serveLfs(lfs, request, response);
      else serveGit(folder, request, response);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `https://127.0.0.1:${port}`,
    certificate,
    seen,
    lfs,
    redirect: (path, url) => void redirects.set(path, url),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
