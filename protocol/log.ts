/** Log of a task: numbered chunks of raw output, in order, each entry with its time and stream. */
import * as z from 'zod';
import { instant } from './common.ts';

export const logEntry = z.object({
  at: instant,
  stream: z.enum(['stdout', 'stderr', 'agent']).describe('"agent" is what the runner itself says'),
  text: z.string().describe('Raw, ANSI kept; a line may go on in the next entry'),
});
export type LogEntry = z.infer<typeof logEntry>;

/**
 * Maximum text of one chunk, in UTF-16 code units; below DynamoDB's 400 KB per item at 3 bytes each, even
 * uncompressed.
 */
export const maxChunkLength = 65_536;

/**
 * Maximum chunks of one call, and maximum bytes of its JSON: Lambda accepts 6 MB, and escapes the body once
 * more.
 */
export const maxChunksPerCall = 64;
export const maxLogCallBytes = 1_572_864;
/** Maximum bytes of the chunks in a finish, which has other parts as well. */
export const maxFinishLogBytes = 262_144;

export const logChunk = z.strictObject({
  seq: z.int().min(0).describe('0, 1, 2 … within an attempt'),
  entries: z
    .array(logEntry)
    .min(1)
    .max(2000)
    .refine((entries) => entries.reduce((length, entry) => length + entry.text.length, 0) <= maxChunkLength, {
      error: `must hold at most ${maxChunkLength} characters`,
    }),
});
export type LogChunk = z.infer<typeof logChunk>;

export const logQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0).describe('The number of the first chunk to read'),
  attempt: z.coerce.number().int().min(1).optional().describe('The last attempt unless told'),
});

export const logPage = z
  .object({
    attempt: z.int(),
    entries: z.array(logEntry),
    nextOffset: z.int().describe('Ask from here next'),
    complete: z.boolean().describe('Nothing more will come'),
  })
  .meta({ id: 'LogPage' });
export const downloadQuery = z.object({
  from: z.coerce.number().int().min(0).default(0).describe('As the link to the next part has it'),
  attempt: logQuery.shape.attempt,
});

export type LogPage = z.infer<typeof logPage>;
