/** Reads a task's log while it grows. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { readLog } from '../../../../protocol/endpoints/tasks.ts';
import { call, messageOf } from '../../../data/request.ts';
import { collectLines, type LogLine } from './log-lines.ts';

export interface Log {
  readonly lines: readonly LogLine[];
  /** Grows with each piece, since `lines` stays the same array. */
  readonly version: number;
  readonly isComplete: boolean;
  readonly error: string | undefined;
}

const fastMs = 700;
const slowMs = 5000;
/** Number of answers without news after which polling slows down. */
const quietAnswers = 20;

/** Waits until the tab is visible. */
const untilVisible = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (document.visibilityState === 'visible') return resolve();
    const check = () => {
      if (document.visibilityState !== 'visible') return;
      document.removeEventListener('visibilitychange', check);
      resolve();
    };
    document.addEventListener('visibilitychange', check, { signal });
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Reads the log of an attempt. `hasBegun` is true once there can be output. */
export const useLog = (projectId: string, taskId: string, attempt: number, hasBegun: boolean): Log => {
  const collected = useRef(collectLines());
  const [state, setState] = useState({
    version: 0,
    isComplete: false,
    error: undefined as string | undefined,
  });

  const read = useCallback(
    async (signal: AbortSignal) => {
      const { add } = collected.current;
      const params = { projectId, taskId };
      let quiet = 0;
      for (let offset = 0; !signal.aborted; ) {
        try {
          const page = await call(readLog, { params, query: { offset, attempt } }, { signal });
          if (signal.aborted) return;
          const hasNews = page.nextOffset > offset;
          quiet = hasNews ? 0 : quiet + 1;
          add(page.entries);
          setState(({ version }) => ({
            version: version + (hasNews ? 1 : 0),
            isComplete: page.complete,
            error: undefined,
          }));
          if (page.complete) return;
          offset = page.nextOffset;
          if (hasNews && page.entries.length > 0) {
            // While there is more, the next piece is read at once, with a pause so that scrolling stays
            // smooth.
            await pause(0, signal);
            continue;
          }
        } catch (error) {
          if (signal.aborted) return;
          quiet += 1;
          setState((before) => ({ ...before, error: messageOf(error) }));
        }
        await pause(quiet > quietAnswers ? slowMs : fastMs, signal);
        await untilVisible(signal);
      }
    },
    [projectId, taskId, attempt],
  );

  useEffect(() => {
    const abort = new AbortController();
    collected.current = collectLines();
    setState({ version: 0, isComplete: false, error: undefined });
    if (hasBegun) void read(abort.signal);
    return () => abort.abort();
  }, [read, hasBegun]);

  return { lines: collected.current.lines, ...state };
};
