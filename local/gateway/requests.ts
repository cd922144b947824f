/** Counts the stack's AWS requests by principal: the cost of a task, in requests. */

export interface RequestCount {
  /** Function name, runner id, `events`, or `http` for clients of the HTTP API. */
  readonly principal: string;
  readonly service: string;
  readonly operation: string;
  readonly count: number;
}

interface RequestDetails {
  /** Trace of the invocation that made it, or that it is. Absent: a client or an agent made it. */
  readonly traceId?: string;
  /** Method and path of a request to the HTTP API. */
  readonly route?: string;
}

/** An AWS request and its time, in epoch milliseconds with fractions. */
export interface RequestSpan extends Omit<RequestCount, 'count'>, RequestDetails {
  readonly startMs: number;
  readonly endMs: number;
}

export interface RequestCounter {
  /** Counts a request that begins now. The caller calls the result when it has ended. */
  add(principal: string, service: string, operation: string, details?: RequestDetails): () => void;
  list(): RequestCount[];
  reset(): void;
}

const preciseNowMs = (): number => performance.timeOrigin + performance.now();

/** `onEnd` receives each request when it has ended. */
export const countRequests = (onEnd: (span: RequestSpan) => void = () => {}): RequestCounter => {
  const counts = new Map<string, RequestCount>();
  return {
    add: (principal, service, operation, details) => {
      const key = JSON.stringify([principal, service, operation]);
      counts.set(key, { principal, service, operation, count: (counts.get(key)?.count ?? 0) + 1 });
      const startMs = preciseNowMs();
      return () => onEnd({ principal, service, operation, ...details, startMs, endMs: preciseNowMs() });
    },
    list: () => [...counts.values()],
    reset: () => counts.clear(),
  };
};
