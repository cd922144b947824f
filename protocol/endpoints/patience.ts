/** Calls that a client repeats when the control plane could not take them. */
import * as z from 'zod';
import type { Endpoint } from './endpoint.ts';

/**
 * Key by which a repeated call makes no second object. Made by the client, for one object:
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export const keyHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
    .optional()
    .describe('Calls with the same key within a day make one object and answer with it'),
});

export const takesKey = ({ request }: Pick<Endpoint, 'request'>): boolean =>
  request?.headers !== undefined && 'idempotency-key' in request.headers.shape;

export interface Patience {
  readonly pause: (ms: number) => Promise<unknown>;
  /** Returns numbers from 0 to 1. */
  readonly random: () => number;
  readonly newKey: () => string;
}

/** Tries of one call: about 15 s. */
const mostTries = 6;

/**
 * Answers of a control plane that is busy. Lambda refuses calls while all concurrent executions of the
 * account are in use, 10 in a new account, and API Gateway answers 503 for it.
 */
const isBusy = ({ status }: Response): boolean => status === 503 || status === 429;

/** Delay before a repeat: 0.25 to 0.5 s at first, then twice as long each time. */
const delayMs = (tries: number, random: number): number => 250 * 2 ** (tries - 1) * (1 + random);

/**
 * Sends a call, and again while the control plane is busy, if a repeat does no harm. `send` gets the headers
 * of the key, if the endpoint takes one.
 */
export const sendPatiently = async (
  endpoint: Pick<Endpoint, 'method' | 'request'>,
  { pause, random, newKey }: Patience,
  send: (headers: Readonly<Record<string, string>>) => Promise<Response>,
): Promise<Response> => {
  const hasKey = takesKey(endpoint);
  const headers: Readonly<Record<string, string>> = hasKey ? { 'idempotency-key': newKey() } : {};
  const isRepeatable = hasKey || endpoint.method === 'get';
  for (let tries = 1; ; tries++) {
    const response = await send(headers);
    if (!isRepeatable || !isBusy(response) || tries === mostTries) return response;
    await pause(delayMs(tries, random()));
  }
};
