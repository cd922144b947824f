/** HTTP requests through the address guard, to URLs that users have set or that a provider names. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressGuard } from './address-guard.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

/**
 * Sends a request, passes the answer to `read` and closes the connection, even if not read to its end. Each
 * request has a new connection: an idle one would mostly be dead after the function was frozen, and its check
 * is old. Does not follow redirects.
 */
export const requestByGuard = async <T>(
  guard: AddressGuard,
  url: string,
  { method, headers, body, signal }: OutgoingRequest,
  read: (response: IncomingMessage) => Promise<T>,
): Promise<T> => {
  const refused = guard.refuse(url);
  if (refused) throw new Error(refused);
  const send = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
  const answered = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers, signal, agent: false, lookup: guard.lookup } as const;
  const request = send(url, options, answered.resolve);
  request.on('error', answered.reject);
  request.end(body);
  try {
    return await read(await answered.promise);
  } finally {
    request.destroy();
  }
};

/** Reads an answer up to a maximum of bytes, and reports whether there were more. */
export const readUpTo = async (
  response: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly bytes: Buffer; readonly isCut: boolean }> => {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    const bytes: Buffer = piece;
    pieces.push(bytes);
    length += bytes.length;
    // Leaving the loop closes the connection: the rest is not even received.
    if (length > maxBytes) break;
  }
  return { bytes: Buffer.concat(pieces).subarray(0, maxBytes), isCut: length > maxBytes };
};
