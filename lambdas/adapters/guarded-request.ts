/** HTTP requests by way of the address guard: to URLs that people have set, or that a provider names. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressGuard } from './address-guard.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/**
 * Sends it and gives the answer to `read`; closes the connection afterwards, read to its end or not. Each request has a connection
 * of its own: an idle one would mostly be dead when the function is thawed, and was checked long ago. Redirects are not followed.
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

/** The bytes of an answer up to a bound, and whether there were more. */
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
    // Leaving the loop ends the connection: what comes after is not even received.
    if (length > maxBytes) break;
  }
  return { bytes: Buffer.concat(pieces).subarray(0, maxBytes), isCut: length > maxBytes };
};
