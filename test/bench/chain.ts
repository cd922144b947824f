/** The AWS calls that follow each other from a task's POST to the start of its program. */
import type { RequestSpan } from '../../local/gateway/requests.ts';

/** A call without calls of its own: an invocation ends with those that it makes. */
const isCall = ({ service }: RequestSpan): boolean => service !== 'lambda' && service !== 'apigateway';

const last = (spans: readonly RequestSpan[], by: 'startMs' | 'endMs'): RequestSpan | undefined =>
  spans.toSorted((a, b) => a[by] - b[by]).at(-1);

/**
 * Returns calls of which each began after the one before had ended, the last of which ended before `untilMs`:
 * of all that ended by then, the latest is what the next waited for.
 */
const backFrom = (calls: readonly RequestSpan[], untilMs: number): RequestSpan[] => {
  const before = last(
    calls.filter(({ endMs }) => endMs <= untilMs),
    'endMs',
  );
  return before ? [...backFrom(calls, before.startMs), before] : [];
};

/**
 * Returns the chain of one task, first call first: those of the POST's invocation up to its doorbell, the
 * poll that brings the doorbell, and those of the claim's invocation. Throws when one of these is missing.
 *
 * @param spans requests of that task alone
 */
export const chainOf = (spans: readonly RequestSpan[]): RequestSpan[] => {
  const find = (what: string, found: RequestSpan | undefined): RequestSpan => {
    if (found) return found;
    throw new Error(`The requests of the task hold no ${what}.`);
  };
  const rung = find(
    'doorbell',
    spans.find(({ operation }) => operation === 'SendMessage'),
  );
  const poll = find(
    'poll',
    spans.find(({ operation, endMs }) => operation === 'ReceiveMessage' && endMs > rung.startMs),
  );
  const claim = find(
    'claim',
    spans
      .filter(({ service, startMs }) => service === 'lambda' && startMs > poll.endMs)
      .toSorted((a, b) => a.startMs - b.startMs)[0],
  );
  const callsOf = ({ traceId }: RequestSpan) =>
    spans.filter((span) => isCall(span) && span.traceId === traceId);
  const before = backFrom(callsOf(rung), rung.startMs);
  return [...before, rung, poll, ...backFrom(callsOf(claim), claim.endMs)];
};
