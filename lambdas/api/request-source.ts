/** What API Gateway and CloudFront say of a request: its id, and the address that it came from. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { getConnInfo } from 'hono/aws-lambda';
import * as z from 'zod';
import { matchesHash } from '../adapters/runners/registration-tokens.ts';

/** infra/console.ts has CloudFront send it. */
const edgeKeyHeader = 'x-reveille-edge';

/**
 * CloudFront appends the client's address to `X-Forwarded-For`, and API Gateway then that of CloudFront: so the last but one
 * is the client's, and what stands before it may be made up. A request that came past CloudFront may have made up all of it.
 * Without a hash there is no CloudFront, and every request comes straight to the API.
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

/** API Gateway's id of the request, which its access log has too. A header would let callers choose what the audit trail says. */
export const gatewayRequestId = (c: Context): string => {
  const parsed = gatewayEvent.safeParse(c.env);
  return parsed.success ? parsed.data.requestContext.requestId : randomUUID();
};
