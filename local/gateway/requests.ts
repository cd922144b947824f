/** Counts what the stack asks of AWS, by who asked: the bill of a task, in requests. */

export interface RequestCount {
  /** A function's name, a runner's id, `events`, or `http` for who calls the HTTP API. */
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
