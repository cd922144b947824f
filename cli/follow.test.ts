import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../protocol/log.ts';
import { type Task, task } from '../protocol/task.ts';
import { ApiProblem } from './errors.ts';
import { followTask } from './follow.ts';

const at = '2026-11-24T12:00:00.000Z';
const aTask = (over: Partial<Task>): Task =>
  task.parse({
    id: `tsk_${'0'.repeat(26)}`,
    projectId: `prj_${'0'.repeat(26)}`,
    templateId: `tpl_${'0'.repeat(26)}`,
    templateName: 'Deploy',
    app: 'bash',
    status: 'running',
    attempt: 1,
    createdAt: at,
    createdBy: 'ada',
    ...over,
  });
const entry = (text: string): LogEntry => ({ at, stream: 'stdout', text });
const unreachable = () => new ApiProblem({ status: 0, code: 'unreachable', detail: 'It does not answer.' });

/**
 * The API's answers at one poll: the task (or a failure), and each attempt's log so far, one element per
 * chunk.
 */
interface Look {
  readonly task: Task | Error;
  readonly logs?: Readonly<Record<number, readonly string[]>>;
}

const follow = async (looks: readonly Look[], options: { abortAfter?: number } = {}) => {
  let nowMs = 0;
  let index = 0;
  const leaving = new AbortController();
  const printed: string[] = [];
  const said: string[] = [];
  const look = () => looks[Math.min(index, looks.length - 1)];
  const ended = await followTask({
    task: aTask({}),
    api: {
      task: async () => {
        const found = look()?.task ?? aTask({});
        if (found instanceof Error) throw found;
        return found;
      },
      log: async (_project, _id, { attempt = 1, offset }) => {
        const chunks = look()?.logs?.[attempt] ?? [];
        const found = look()?.task;
        const isOver = found !== undefined && !(found instanceof Error) && found.status !== 'running';
        // Two chunks a page.
        const entries = chunks.slice(offset, offset + 2).map(entry);
        const nextOffset = offset + entries.length;
        return { attempt, entries, nextOffset, complete: isOver && nextOffset >= chunks.length };
      },
    },
    terminal: {
      now: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
        index += 1;
        if (index === options.abortAfter) leaving.abort();
      },
    },
    print: async (entries) => void printed.push(...entries.map(({ text }) => text)),
    say: async (text) => void said.push(text),
    signal: leaving.signal,
  });
  return { ended, printed, said, tookMs: nowMs };
};

describe('following a task', () => {
  it('prints each piece of its log once, in order, and returns the ended task', async () => {
    const { ended, printed } = await follow([
      { task: aTask({ status: 'waiting', reason: 'Starting i-1, 3 s.' }) },
      { task: aTask({}), logs: { 1: ['a', 'b', 'c'] } },
      { task: aTask({}), logs: { 1: ['a', 'b', 'c', 'd'] } },
      { task: aTask({ status: 'error', exitCode: 3 }), logs: { 1: ['a', 'b', 'c', 'd', 'e'] } },
    ]);
    expect(printed).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(ended).toMatchObject({ status: 'error', exitCode: 3 });
  });

  it('prints a waiting reason once while only its seconds change', async () => {
    const { said } = await follow([
      { task: aTask({ status: 'waiting', reason: 'Starting i-1, 3 s.' }) },
      { task: aTask({ status: 'waiting', reason: 'Starting i-1, 4 s.' }) },
      { task: aTask({ status: 'waiting', reason: 'No runner has tag x.' }) },
      { task: aTask({ status: 'success' }) },
    ]);
    expect(said).toEqual(['Starting i-1, 3 s.', 'No runner has tag x.']);
  });

  it('starts the log of the next attempt after the end of the previous one', async () => {
    const { printed, said } = await follow([
      { task: aTask({}), logs: { 1: ['one'] } },
      { task: aTask({ attempt: 2, status: 'running' }), logs: { 1: ['one', 'last'], 2: ['two'] } },
      { task: aTask({ attempt: 2, status: 'success' }), logs: { 1: ['one', 'last'], 2: ['two'] } },
    ]);
    expect(printed).toEqual(['one', 'last', 'two']);
    expect(said).toEqual(['Attempt 2']);
  });

  it('survives a short outage of the stack, and gives up after a long one', async () => {
    const { printed, said } = await follow([
      { task: unreachable() },
      { task: unreachable() },
      { task: aTask({ status: 'success' }), logs: { 1: ['there'] } },
    ]);
    expect(printed).toEqual(['there']);
    expect(said).toEqual(['It does not answer. Asking again.']);
    await expect(follow([{ task: unreachable() }])).rejects.toThrow('does not answer');
  });

  it('ends at once on an error that no retry can mend', async () => {
    const refused = new ApiProblem({ status: 404, code: 'not_found', detail: 'There is no such task.' });
    await expect(follow([{ task: refused }])).rejects.toThrow('no such task');
  });

  it('stops to follow, and leaves the task alone, when the signal aborts', async () => {
    const { ended, printed } = await follow([{ task: aTask({}), logs: { 1: ['a'] } }], { abortAfter: 3 });
    expect(ended).toBeUndefined();
    expect(printed).toEqual(['a']);
  });
});
