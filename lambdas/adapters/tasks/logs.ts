/**
 * Store of logs. The chunks of one call are stored together, compressed: DynamoDB bills a write by its
 * kilobytes, and a log shrinks to about a tenth. docs/using/cost.md has the arithmetic.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import {
  type Clock,
  epochMs,
  type LogChunk,
  type LogEntry,
  logEntry,
  type ProjectId,
  project,
  type TaskId,
  toInstant,
} from '../../../protocol/index.ts';
import { recordsOf } from '../records.ts';
import { type Key, keys, logPartition, logSortKey, type Table } from '../table.ts';
import { ttlCache } from '../ttl-cache.ts';
import { UnreadableItem } from '../unreadable-item.ts';

export interface LogRef {
  readonly projectId: ProjectId;
  readonly taskId: TaskId;
  readonly attempt: number;
}

/** An item has 400 KB (AWS: DynamoDB quotas), including its keys and the outline. */
const maxItemBytes = 380_000;
/** Maximum text of one item, in UTF-16 code units, so that reading one never fills Lambda's answer. */
const maxItemLength = 1_048_576;
/** Maximum text of a page of entries, and maximum compressed bytes of a part of a download. */
const pageLength = 1_048_576;
const partBytes = 3 * 1024 * 1024;
/** Time for which a project's retention is remembered. */
const rememberMs = 300_000;

/** Structure of an item's text: per chunk its number, per entry its time (epoch ms), stream and length. */
const outline = z.array(
  z.tuple([z.int(), z.array(z.tuple([z.int(), logEntry.shape.stream, z.int().min(0)]))]),
);
const stored = z.object({
  sk: z.string(),
  first: z.int(),
  text: z.instanceof(Uint8Array),
  outline: z.instanceof(Uint8Array),
});

interface Batch {
  readonly first: number;
  readonly last: number;
  /** Gzip member: the members of a log, concatenated, are the whole log (RFC 1952, section 2.2). */
  readonly text: Uint8Array;
  readonly outline: Uint8Array;
}

const pack = (chunks: readonly LogChunk[]) => ({
  text: gzipSync(chunks.flatMap(({ entries }) => entries.map(({ text }) => text)).join('')),
  outline: gzipSync(
    JSON.stringify(
      chunks.map(({ seq, entries }) => [
        seq,
        entries.map(({ at, stream, text }) => [epochMs(at), stream, text.length]),
      ]),
    ),
  ),
});

const unpack = (batch: Batch): LogChunk[] => {
  const text = gunzipSync(batch.text).toString();
  let at = 0;
  return outline.parse(JSON.parse(gunzipSync(batch.outline).toString())).map(([seq, entries]) => ({
    seq,
    entries: entries.map(([atMs, stream, length]): LogEntry => {
      at += length;
      return { at: toInstant(atMs), stream, text: text.slice(at - length, at) };
    }),
  }));
};

const lengthOf = (chunks: readonly LogChunk[]): number =>
  chunks.reduce((sum, { entries }) => sum + entries.reduce((length, { text }) => length + text.length, 0), 0);

/** Packs chunks into the fewest items. One chunk alone always fits. */
const toBatches = (chunks: readonly LogChunk[]): Batch[] => {
  const first = chunks[0];
  const last = chunks.at(-1);
  if (!first || !last) return [];
  const isTooLong = lengthOf(chunks) > maxItemLength;
  const packed = isTooLong ? undefined : pack(chunks);
  if (packed && (chunks.length === 1 || packed.text.length + packed.outline.length <= maxItemBytes)) {
    return [{ first: first.seq, last: last.seq, ...packed }];
  }
  const half = Math.ceil(chunks.length / 2);
  return [...toBatches(chunks.slice(0, half)), ...toBatches(chunks.slice(half))];
};

/**
 * Groups chunks with consecutive numbers; a call may bring chunks of which some before were stored already.
 */
const withoutGaps = (chunks: readonly LogChunk[]): LogChunk[][] => {
  const runs: LogChunk[][] = [];
  for (const chunk of [...chunks].sort((one, other) => one.seq - other.seq)) {
    const run = runs.at(-1);
    if (run && run.at(-1)?.seq === chunk.seq - 1) run.push(chunk);
    else runs.push([chunk]);
  }
  return runs;
};

export type LogStore = ReturnType<typeof logStore>;

export const logStore = (table: Table, now: Clock) => {
  const retentions = ttlCache<number>(now, rememberMs);
  const retentionDays = (projectId: ProjectId): Promise<number> =>
    retentions.find(projectId, async () => {
      const item = (await table.get(keys.project(projectId))) ?? {};
      return project.pick({ logRetentionDays: true }).parse(item).logRetentionDays;
    });

  /** Reads from the batch that holds chunk `offset`, in order and without a gap. */
  const batchesFrom = async function* (
    { taskId, attempt }: Omit<LogRef, 'projectId'>,
    offset: number,
  ): AsyncGenerator<Batch> {
    const query = { pk: logPartition(taskId, attempt), from: logSortKey(offset) };
    let next = offset;
    let after: Key | undefined;
    do {
      const page = await table.query({ ...query, after });
      for (const { sk, ...batch } of recordsOf(table, stored).readAll(page.items)) {
        // Chunks sent again in another grouping overlap: a later batch may hold those missing before this
        // one.
        if (batch.first > next) continue;
        const whole: Batch = { ...batch, last: Number(sk) };
        yield batch.first < next ? repack({ taskId, attempt }, whole, next) : whole;
        next = whole.last + 1;
      }
      after = page.next;
    } while (after);
  };
  /** Unpacks a batch; none of a damaged one: the rest of the log stays readable. */
  const unpackIfWhole = (ref: Omit<LogRef, 'projectId'>, batch: Batch): LogChunk[] => {
    try {
      return unpack(batch);
    } catch {
      const key = keys.logChunk(ref.taskId, ref.attempt, batch.last);
      table.reportUnreadable(new UnreadableItem(key, ['text', 'outline']));
      return [];
    }
  };
  const repack = (ref: Omit<LogRef, 'projectId'>, batch: Batch, from: number): Batch => {
    const chunks = unpackIfWhole(ref, batch).filter(({ seq }) => seq >= from);
    return { first: from, last: batch.last, ...pack(chunks) };
  };

  return {
    /** Stores chunks. Those stored already are accepted again and change nothing. */
    append: async ({ projectId, taskId, attempt }: LogRef, chunks: readonly LogChunk[]): Promise<void> => {
      const days = await retentionDays(projectId);
      const expiresAt = Math.floor(epochMs(now()) / 1000) + days * 86_400;
      await Promise.all(
        withoutGaps(chunks)
          .flatMap(toBatches)
          .map(({ first, last, text, outline }) =>
            table.put({ ...keys.logChunk(taskId, attempt, last), first, text, outline, expiresAt }, [
              ['any', ['missing', 'pk'], ['>', 'first', first]],
            ]),
          ),
      );
    },

    /** Reads a page of entries from chunk `offset` on. */
    read: async (ref: Omit<LogRef, 'projectId'>, offset: number) => {
      const entries: LogEntry[] = [];
      let nextOffset = offset;
      let length = 0;
      for await (const batch of batchesFrom(ref, offset)) {
        const chunks = unpackIfWhole(ref, batch);
        entries.push(...chunks.flatMap((chunk) => chunk.entries));
        nextOffset = batch.last + 1;
        length += lengthOf(chunks);
        if (length >= pageLength) break;
      }
      return { entries, nextOffset };
    },

    /**
     * Returns the text from chunk `offset` on, as gzip members; there is more when the next call returns any.
     */
    download: async (ref: Omit<LogRef, 'projectId'>, offset: number) => {
      const members: Uint8Array[] = [];
      let nextOffset = offset;
      let bytes = 0;
      for await (const batch of batchesFrom(ref, offset)) {
        if (bytes > 0 && bytes + batch.text.length > partBytes) return { members, nextOffset, isLast: false };
        members.push(batch.text);
        bytes += batch.text.length;
        nextOffset = batch.last + 1;
      }
      return { members, nextOffset, isLast: true };
    },
  };
};
