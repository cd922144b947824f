import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type LogChunk, logChunk } from '../../protocol/log.ts';
import { virtualTime } from '../testing/virtual-time.ts';
import { waitFor } from '../testing/wait-for.ts';
import { systemTiming } from '../timing.ts';
import { createLogStreamer, type LogStreamerOptions } from './log-streamer.ts';

const impatient = { ...systemTiming, sleep: async () => undefined };
const flushIntervalMs = 20;
const gatherMs = 10;

const collect = (given: Partial<LogStreamerOptions> = {}) => {
  const stored: LogChunk[] = [];
  const streamer = createLogStreamer({
    upload: async (chunks) => {
      stored.push(...chunks);
    },
    isFinal: () => false,
    signal: new AbortController().signal,
    timing: impatient,
    flushIntervalMs,
    gatherMs,
    ...given,
  });
  const text = () => stored.flatMap(({ entries }) => entries.map((entry) => entry.text)).join('');
  return { streamer, stored, text };
};

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the log streamer', () => {
  it('sends the first output soon and gathers the rest', async () => {
    const { timing, pass } = virtualTime();
    const { streamer, stored } = collect({ timing });
    await streamer.write('agent', 'starting\n');
    await streamer.write('stdout', 'one\n');
    await pass(gatherMs - 1);
    expect(stored).toHaveLength(0);
    await pass(1);
    await waitFor('the first chunk', () => stored.length === 1);
    await streamer.write('stdout', 'two\n');
    await streamer.write('stderr', 'three\n');
    await pass(flushIntervalMs - 1);
    expect(stored).toHaveLength(1);
    await pass(1);
    await waitFor('the second chunk', () => stored.length === 2);
    expect(stored[1]?.entries.map(({ stream }) => stream)).toEqual(['stdout', 'stderr']);
  });

  it("delays the agent's own lines until the first output", async () => {
    const { streamer, stored } = collect({ timing: virtualTime().timing });
    await streamer.write('agent', 'starting\n');
    await streamer.write('stdout', 'one\n');
    await streamer.close();
    expect(stored[0]?.entries.map(({ stream }) => stream)).toEqual(['agent', 'stdout']);
  });

  it('leaves the last chunks to the caller when they are small and were never sent', async () => {
    const { streamer, stored } = collect({ timing: virtualTime().timing });
    await streamer.write('stdout', 'one\n');
    expect(streamer.end(1000).chunks).toBe(1);
    const { chunks, rest } = await streamer.close();
    expect([chunks, stored.length]).toEqual([0, 0]);
    expect(rest).toMatchObject([{ seq: 0, entries: [{ text: 'one\n' }] }]);
  });

  it('sends the last chunks itself when they are large', async () => {
    const { streamer, text } = collect({ timing: virtualTime().timing });
    await streamer.write('stdout', 'x'.repeat(1000));
    streamer.end(1000);
    expect(await streamer.close()).toEqual({ chunks: 1, rest: [] });
    expect(text()).toHaveLength(1000);
  });

  it('keeps 100,000 lines in order, in chunks that the protocol allows, without a gap', async () => {
    const { streamer, stored, text } = collect();
    const lines = Array.from({ length: 100_000 }, (_, line) => `line ${line} ${'é€😀'.repeat(line % 5)}\n`);
    for (const line of lines) await streamer.write('stdout', line);
    const { chunks } = await streamer.close();
    expect(hash(text())).toBe(hash(lines.join('')));
    expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: chunks }, (_, seq) => seq));
    for (const chunk of stored) logChunk.parse(chunk);
  });

  it('repeats the same chunks until they are accepted', async () => {
    const seen: number[][] = [];
    const { streamer } = collect({
      upload: async (chunks) => {
        seen.push(chunks.map(({ seq }) => seq));
        if (seen.length < 3) throw new Error('no network');
      },
    });
    await streamer.write('stdout', 'one\n');
    expect(await streamer.close()).toEqual({ chunks: 1, rest: [] });
    expect(seen).toEqual([[0], [0], [0]]);
  });

  it('pauses the writer while too much is unacknowledged', async () => {
    const gate = Promise.withResolvers<void>();
    const { streamer, text } = collect({ upload: () => gate.promise });
    const piece = 'x'.repeat(100_000);
    let written = 0;
    const writing = (async () => {
      for (; written < 50; written += 1) await streamer.write('stdout', piece);
    })();
    await waitFor('the pause of the writer', () => written === 10);
    gate.resolve();
    await writing;
    expect((await streamer.close()).chunks).toBeGreaterThan(50);
    expect(text()).toBe('');
  });

  it('gives up the log but not the writer when the API refuses it', async () => {
    const refusal = new Error('refused');
    const { streamer } = collect({ upload: () => Promise.reject(refusal), isFinal: () => true });
    await streamer.write('stdout', 'one\n');
    expect(await streamer.close()).toEqual({ chunks: 0, rest: [], error: refusal });
  });

  it('ends at once when the task is lost', async () => {
    const lost = new AbortController();
    const { streamer } = collect({ upload: () => new Promise(() => undefined), signal: lost.signal });
    await streamer.write('stdout', 'one\n');
    lost.abort();
    await streamer.write('stdout', 'two\n');
  });
});
