/** A fetch for the demo that retries: on a busy machine one call may fail and the next succeed. */

/** Pauses between retries, some 30 s together. */
const pausesMs = [250, 500, 1000, 2000, 4000, 8000, 16_000];

/**
 * Retries a call without an answer, or with an answer that is not the API's (a gateway's 5xx has no problem
 * details). Throws an error with a readable message when the last retry fails.
 */
export const rideOut =
  (call: typeof fetch, pause: (ms: number) => Promise<unknown>): typeof fetch =>
  async (input, init) => {
    let failure = '';
    for (const pauseMs of [...pausesMs, undefined]) {
      try {
        const response = await call(input, init);
        const isOfApi = response.headers.get('content-type')?.includes('problem+json');
        if (response.status < 500 || isOfApi) return response;
        failure = `was answered ${response.status} ${response.statusText}`;
      } catch (error) {
        failure = `got no answer (${error instanceof Error ? (error.cause ?? error) : error})`;
      }
      if (pauseMs !== undefined) await pause(pauseMs);
    }
    throw new Error(
      `${init?.method ?? 'GET'} ${String(input)} ${failure}, ${pausesMs.length + 1} times in a row. Stop other work on this machine and run the demo again.`,
    );
  };
