/**
 * EC2's instance metadata service (IMDSv2) for one instance, on loopback: placement, tags, and credentials of
 * its role.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Credentials } from '../../gateway/principals.ts';
import { listenOnLoopback, stopServer } from '../../http-server.ts';
import type { Instance } from './store.ts';

/** Lifetime of the credentials. EC2 renews them well before they expire. */
const credentialsLifetimeMs = 6 * 3_600_000;

export interface MetadataOptions {
  /** Returns the current instance: its tags may change. */
  readonly instance: () => Instance | undefined;
  /** Issues credentials for the instance's role that expire at this epoch ms. */
  readonly issue: (instance: Instance, expiresAtMs: number) => Credentials | undefined;
  readonly nowMs: () => number;
}

const credentialsText = (credentials: Credentials, expiresAtMs: number): string =>
  JSON.stringify({
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: new Date(expiresAtMs).toISOString(),
  });

/** Starts the service on a free port; returns its URL. */
export const startMetadata = async (options: MetadataOptions) => {
  const { instance, issue, nowMs } = options;
  const tokens = new Set<unknown>();

  const read = (item: string): string | undefined => {
    const now = instance();
    if (!now) return undefined;
    const { id, region, roleName = '', market, tags } = now;
    const tag = /^tags\/instance\/(.+)$/.exec(item)?.[1];
    if (tag !== undefined) return tags[decodeURIComponent(tag)];
    if (item === `iam/security-credentials/${roleName}` && roleName !== '') {
      const expiresAtMs = nowMs() + credentialsLifetimeMs;
      const credentials = issue(now, expiresAtMs);
      return credentials && credentialsText(credentials, expiresAtMs);
    }
    const items: Readonly<Record<string, string | undefined>> = {
      'instance-id': id,
      'instance-life-cycle': market ?? 'on-demand',
      'placement/region': region,
      'iam/security-credentials/': roleName || undefined,
    };
    return items[item];
  };

  const server = createServer(({ method, url = '', headers }, response) => {
    if (method === 'PUT' && url === '/latest/api/token') {
      if (!headers['x-aws-ec2-metadata-token-ttl-seconds']) return response.writeHead(400).end();
      const token = randomUUID();
      tokens.add(token);
      return response.end(token);
    }
    if (!tokens.has(headers['x-aws-ec2-metadata-token'])) return response.writeHead(401).end();
    const text = url.startsWith('/latest/meta-data/')
      ? read(url.slice('/latest/meta-data/'.length))
      : undefined;
    return text === undefined ? response.writeHead(404).end() : response.end(text);
  });
  const port = await listenOnLoopback(server, 0);
  return { url: `http://127.0.0.1:${port}`, stop: () => void stopServer(server) };
};
