/** Reads a request's id and source address, as API Gateway and CloudFront give them. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { getConnInfo } from 'hono/aws-lambda';
import * as z from 'zod';
import { matchesHash } from '../adapters/runners/registration-tokens.ts';

/** infra/console.ts makes CloudFront send it. */
const edgeKeyHeader = 'x-reveille-edge';

/**
 * CloudFront appends the client's address to `X-Forwarded-For`, then API Gateway appends that of CloudFront:
 * so the last but one is the client's, and the ones before it may be forged. In a request that bypassed
 * CloudFront all of it may be forged. Without a hash there is no CloudFront, and every request comes straight
 * to the API.
 */
export const sourceBehindEdge =
  (edgeKeyHash: string | undefined) =>
  (c: Context): string => {
    const direct = getConnInfo(c).remote.address ?? 'unknown';
    if (edgeKeyHash === undefined || !matchesHash(c.req.header(edgeKeyHeader) ?? '', edgeKeyHash))
      return direct;
    const addresses = (c.req.header('x-forwarded-for') ?? '').split(',').map((address) => address.trim());
    return addresses.at(-2) || direct;
  };

const gatewayEvent = z.object({ requestContext: z.object({ requestId: z.string().min(1) }) });

/**
 * API Gateway's request id, as in its access log. With a header, callers would choose the audit trail's id.
 */
export const gatewayRequestId = (c: Context): string => {
  const parsed = gatewayEvent.safeParse(c.env);
  return parsed.success ? parsed.data.requestContext.requestId : randomUUID();
};
