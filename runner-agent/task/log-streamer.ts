/**
 * Cuts a task's output into numbered chunks, and passes them in order to an uploader until each is
 * acknowledged.
 */
import {
  type LogChunk,
  type LogEntry,
  maxChunkLength,
  maxChunksPerCall,
  maxLogCallBytes,
} from '../../protocol/log.ts';
import { toInstant } from '../../protocol/time.ts';
import { createChanges } from '../changes.ts';
import { retry } from '../retry.ts';
import type { Timing } from '../timing.ts';

export type LogStream = LogEntry['stream'];

export interface LogStreamerOptions {
  /** Stores chunks. After a rejection it is retried with the same chunks. */
  upload(chunks: LogChunk[]): Promise<void>;
  /** Returns true when this rejection ends the upload of the log. */
  isFinal(error: unknown): boolean;
  /** Stops all uploads when it aborts. */
  signal: AbortSignal;
  timing: Timing;
  /** Undelivered chunks of a previous agent, and the number of chunks in its log: nothing more is written. */
  before?: { pending: LogChunk[]; chunks: number };
  /** Interval between flushes. */
  flushIntervalMs?: number;
  /** Time for which the first output waits for more. */
  gatherMs?: number;
}

export interface LogStreamer {
  /** Resolves when there is room for more. */
  write(stream: LogStream, text: string): Promise<void>;
  /**
   * Ends the log. Returns the chunks without acknowledgement and the number of chunks. The last ones that
   * were never sent stay for the caller (`rest`) if they have at most `restBytes` and fit in one call.
   */
  end(restBytes?: number): { pending: LogChunk[]; chunks: number };
  /** Ends, and resolves when every chunk but the rest is acknowledged or given up. */
  close(): Promise<LogSummary>;
}

export interface LogSummary {
  /** Number of acknowledged chunks. */
  chunks: number;
  /** Chunks that the caller has to send. */
  rest: LogChunk[];
  /** Reason why the others were given up. */
  error?: unknown;
}

/** Length in UTF-16 code units at which a chunk is sealed without waiting for the flush. */
const sealLength = 48 * 1024;
/** Maximum entries of a chunk in the protocol. */
const maxEntries = 2000;
/** Unacknowledged length in UTF-16 code units that pauses the writer, and so in the end the program. */
const maxQueuedLength = 1024 * 1024;
/** Share of a call's JSON that is not chunks. */
const envelopeBytes = 8 * 1024;

/** Cuts after at most `max` code units, never within a surrogate pair. */
const pieces = (text: string, max: number): string[] => {
  const cut: string[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + max);
    const last = text.charCodeAt(to - 1);
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to -= 1;
    cut.push(text.slice(from, to));
    from = to;
  }
  return cut;
};

interface SealedChunk {
  chunk: LogChunk;
  /** In UTF-16 code units. */
  length: number;
  /** Size as JSON. */
  bytes: number;
}

const toSealed = (chunk: LogChunk): SealedChunk => ({
  chunk,
  length: chunk.entries.reduce((length, { text }) => length + text.length, 0),
  bytes: Buffer.byteLength(JSON.stringify(chunk)),
});

export const createLogStreamer = (options: LogStreamerOptions): LogStreamer => {
  const { upload, isFinal, signal, timing, before, flushIntervalMs = 500, gatherMs = 200 } = options;
  const changes = createChanges();
  const sealed = (before?.pending ?? []).map(toSealed);
  let underWay: SealedChunk[] = [];
  let open: LogEntry[] = [];
  let openLength = 0;
  let queuedLength = sealed.reduce((length, chunk) => length + chunk.length, 0);
  let nextSeq = before?.chunks ?? 0;
  let acknowledged = nextSeq - sealed.length;
  let flushedAt = Number.NEGATIVE_INFINITY;
  let flush: { readonly at: number; callOff(): void } | undefined;
  let closed = false;
  let restBytes = 0;
  let givenUp: { error: unknown } | undefined;

  const hasEnded = () => signal.aborted || givenUp !== undefined;

  const seal = () => {
    flush?.callOff();
    flush = undefined;
    flushedAt = timing.now();
    if (open.length === 0) return;
    sealed.push(toSealed({ seq: nextSeq, entries: open }));
    nextSeq += 1;
    open = [];
    openLength = 0;
    changes.announce();
  };

  const append = (stream: LogStream, text: string) => {
    if (openLength + text.length > maxChunkLength || open.length === maxEntries) seal();
    const at = toInstant(timing.now());
    const last = open.at(-1);
    if (last && last.stream === stream && last.at === at) last.text += text;
    else open.push({ at, stream, text });
    openLength += text.length;
    queuedLength += text.length;
    if (openLength >= sealLength) seal();
  };

  /**
   * Sends the first output soon and gathers the rest, so that a chatty task makes few requests, and the
   * output of a short one goes with its end.
   */
  const scheduleFlush = (stream: LogStream) => {
    if (open.length === 0) return;
    const dueIn = flushedAt + flushIntervalMs - timing.now();
    const waitMs = dueIn > 0 ? dueIn : stream === 'agent' ? flushIntervalMs : gatherMs;
    const at = timing.now() + waitMs;
    if (flush && flush.at <= at) return;
    flush?.callOff();
    flush = { at, callOff: timing.after(waitMs, seal) };
  };

  const uploadUntilAccepted = async (chunks: LogChunk[]) => {
    try {
      await retry(() => upload(chunks), { isFinal, signal, timing, baseMs: 200, maxMs: 10_000 });
      acknowledged += chunks.length;
    } catch (error) {
      givenUp = { error };
    }
  };

  /** Takes as many chunks as one call may carry. */
  const takeBatch = () => {
    let bytes = envelopeBytes;
    const tooMany = sealed.findIndex((next, count) => {
      bytes += next.bytes + 1;
      return count === maxChunksPerCall || (count > 0 && bytes > maxLogCallBytes);
    });
    return sealed.splice(0, tooMany === -1 ? sealed.length : tooMany);
  };

  const isRest = () =>
    sealed.length <= maxChunksPerCall && sealed.reduce((bytes, next) => bytes + next.bytes, 0) <= restBytes;

  const run = async () => {
    while (!hasEnded() && !(closed && isRest())) {
      underWay = takeBatch();
      if (underWay.length === 0) {
        if (closed) break;
        await changes.next(signal);
        continue;
      }
      await uploadUntilAccepted(underWay.map(({ chunk }) => chunk));
      queuedLength -= underWay.reduce((length, chunk) => length + chunk.length, 0);
      underWay = [];
      changes.announce();
    }
    flush?.callOff();
    changes.announce();
  };
  const running = run();

  const end = (mostRestBytes = 0) => {
    if (!closed) {
      restBytes = mostRestBytes;
      seal();
    }
    closed = true;
    changes.announce();
    return { pending: [...underWay, ...sealed].map(({ chunk }) => chunk), chunks: nextSeq };
  };

  return {
    write: async (stream, text) => {
      if (text === '' || closed || hasEnded()) return;
      for (const piece of pieces(text, sealLength)) append(stream, piece);
      scheduleFlush(stream);
      while (queuedLength > maxQueuedLength && !hasEnded()) await changes.next(signal);
    },
    end,
    close: async () => {
      end();
      await running;
      return { chunks: acknowledged, rest: hasEnded() ? [] : sealed.map(({ chunk }) => chunk), ...givenUp };
    },
  };
};
