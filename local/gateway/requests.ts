/** Counts the stack's AWS requests by principal: the cost of a task, in requests. */

export interface RequestCount {
  /** Function name, runner id, `events`, or `http` for clients of the HTTP API. */
  readonly principal: string;
  readonly service: string;
  readonly operation: string;
  readonly count: number;
}

export interface RequestCounter {
  add(principal: string, service: string, operation: string): void;
  list(): RequestCount[];
  reset(): void;
}

export const countRequests = (): RequestCounter => {
  const counts = new Map<string, RequestCount>();
  return {
    add: (principal, service, operation) => {
      const key = JSON.stringify([principal, service, operation]);
      counts.set(key, { principal, service, operation, count: (counts.get(key)?.count ?? 0) + 1 });
    },
    list: () => [...counts.values()],
    reset: () => counts.clear(),
  };
};
