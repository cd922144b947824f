/** Middleware for every request: id, response headers, body limit, token, and errors as problems. */

import type { Context, ErrorHandler, MiddlewareHandler, NotFoundHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { getReference } from '../../protocol/endpoints/service.ts';
import type { Clock, Instant } from '../../protocol/index.ts';
import { ItemTooLarge } from '../adapters/item-size.ts';
import { isThrottled } from '../adapters/patient-table.ts';
import { RecordRefused } from '../adapters/records.ts';
import { NameTaken } from '../adapters/resources/names.ts';
import { ChangedMeanwhile } from '../adapters/resources/versions.ts';
import type { AgentTokens } from '../adapters/runners/agent-tokens.ts';
import { matchesHash, parseRunnerToken } from '../adapters/runners/registration-tokens.ts';
import type { RunnerRecord } from '../adapters/runners/runner-record.ts';
import type { RunnerStore } from '../adapters/runners/runners.ts';
import { UnreadableItem } from '../adapters/unreadable-item.ts';
import type { Deps } from '../flows/deps.ts';
import { answerHeaders } from '../problems.ts';
import type { AgentEnv, ApiEnv, RunnerEnv } from './deps.ts';
import { refuse, refuseFields, refuseName } from './refuse.ts';
import { handlerRoute } from './route.ts';

const megabyte = 1_048_576;

/** Gives the request its id, and returns it in a header. */
export const nameRequest =
  (requestIdOf: (c: Context) => string): MiddlewareHandler<ApiEnv> =>
  async (c, next) => {
    const id = requestIdOf(c);
    c.set('requestId', id);
    c.header('x-request-id', id);
    await next();
  };

/** Forbids caching and content sniffing for every response, also for refusals and errors. */
export const guardAnswer: MiddlewareHandler<ApiEnv> = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(answerHeaders)) c.header(name, value);
};

/** Rejects a body over the limit, in MiB, with 413. */
export const limitBody = (maxMegabytes: number): MiddlewareHandler =>
  bodyLimit({
    maxSize: maxMegabytes * megabyte,
    onError: (c) => refuse(c, 'body_too_large', `The body must not exceed ${maxMegabytes} MiB.`),
  });

/** Credential of `Authorization: Bearer …`. */
export const bearerToken = (header: string | undefined): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];

const isItsToken = ({ tokenHash, previousToken }: RunnerRecord, secret: string, now: Instant): boolean =>
  matchesHash(secret, tokenHash) ||
  (previousToken !== undefined && previousToken.validUntil > now && matchesHash(secret, previousToken.hash));

/** Lets in the holder of a runner's token. */
export const requireRunner =
  (runners: Pick<RunnerStore, 'get'>, now: Clock): MiddlewareHandler<RunnerEnv> =>
  async (c, next) => {
    const parts = parseRunnerToken(bearerToken(c.req.header('authorization')) ?? '');
    const runner = parts && (await runners.get(parts.pool, parts.runnerId));
    if (!runner || !isItsToken(runner, parts.secret, now())) {
      const detail = 'This is not the token of a runner, or it was revoked, or the runner was removed.';
      return refuse(c, 'unauthenticated', detail);
    }
    c.set('runner', runner);
    return next();
  };

/** Lets in an agent with a session. The session is signed, so this reads nothing. */
export const requireSession =
  (agentTokens: Pick<AgentTokens, 'verifySession'>): MiddlewareHandler<AgentEnv> =>
  async (c, next) => {
    const verified = await agentTokens.verifySession(bearerToken(c.req.header('authorization')) ?? '');
    if (!verified.ok) {
      return verified.code === 'expired'
        ? refuse(
            c,
            'session_expired',
            'The session has expired. Open a new one by challenge and credentials.',
          )
        : refuse(c, 'unauthenticated', 'Send a session of this control plane as "Authorization: Bearer …".');
    }
    c.set('agent', verified.claims);
    return next();
  };

export const answerNotFound: NotFoundHandler<ApiEnv> = (c) =>
  refuse(c, 'not_found', `There is nothing at this path. ${getReference.path} lists what there is.`);

/** DynamoDB adapts to a table's load within minutes, and most bursts end sooner. */
const retryAfterSeconds = 5;

/** Maps errors to problems: from the parsing of bodies, from Hono, or from any fault here. */
export const answerError =
  (log: Deps['log']): ErrorHandler<ApiEnv> =>
  (error, c) => {
    if (error instanceof HTTPException && error.status === 400) {
      return refuse(c, 'malformed_json', 'The body is not JSON.');
    }
    if (error instanceof HTTPException && error.status === 415) {
      return refuse(c, 'unsupported_media_type', 'Send the body as "Content-Type: application/json".');
    }
    if (error instanceof ChangedMeanwhile) {
      const detail =
        'Someone else saved or removed this, or something that it refers to, at the same time. Read it again, then repeat the change if you still want it.';
      return refuse(c, 'changed_meanwhile', detail);
    }
    if (error instanceof NameTaken) return refuseName(c, error);
    if (isThrottled(error)) {
      c.header('retry-after', String(retryAfterSeconds));
      return refuse(
        c,
        'unavailable',
        `DynamoDB has no room for it now. Try again in ${retryAfterSeconds} s.`,
      );
    }
    if (error instanceof ItemTooLarge) {
      return refuse(c, 'item_too_large', error.detail, [{ path: error.largest, message: 'is too long' }]);
    }
    if (error instanceof RecordRefused) return refuseFields(c, error.faults);
    const requestId = c.get('requestId');
    if (error instanceof UnreadableItem) {
      log.error('Met an unreadable item', { requestId, ...error.key, error: error.message });
      const detail = `The stored item ${error.key.sk} cannot be read. Remove it, or ask an operator to repair it: see "Unreadable items" in docs/operating/runbook.md.`;
      return refuse(c, 'unreadable_item', detail);
    }
    log.error('Request failed', {
      requestId,
      method: c.req.method,
      // Not the path, which holds the secret of an integration.
      route: handlerRoute(c)?.path,
      error: error.stack ?? String(error),
    });
    return refuse(
      c,
      'internal',
      `Something went wrong here. The log tells more by the request id ${requestId}.`,
    );
  };
