/** The address that a request came from, also when CloudFront stands between. */
import type { Context } from 'hono';
import { getConnInfo } from 'hono/aws-lambda';

/** infra/console.ts has CloudFront send it. */
const edgeKeyHeader = 'x-reveille-edge';

/**
 * CloudFront appends the client's address to `X-Forwarded-For`, and API Gateway then that of CloudFront: so the last but one
 * is the client's, and what stands before it may be made up. A request that came past CloudFront may have made up all of it.
 */
export const sourceBehindEdge =
  (edgeKey: string) =>
  (c: Context): string => {
    const direct = getConnInfo(c).remote.address ?? 'unknown';
    if (c.req.header(edgeKeyHeader) !== edgeKey) return direct;
    const addresses = (c.req.header('x-forwarded-for') ?? '').split(',').map((address) => address.trim());
    return addresses.at(-2) || direct;
  };
