import { describe, expect, it } from 'vitest';
import { addMs } from '../../protocol/index.ts';
import { oldestWaitingMs, savedBySleepUsd, withoutWork } from './signals.ts';
import { aRunner, noon } from './testing.ts';

const minutes = (count: number) => count * 60_000;

describe('the longest wait', () => {
  it('is that of the oldest waiting task', () => {
    const tasks = [
      { status: 'running', createdAt: addMs(noon, -minutes(30)) },
      { status: 'waiting', createdAt: addMs(noon, -minutes(3)) },
      { status: 'waiting', createdAt: addMs(noon, -minutes(7)) },
    ] as const;
    expect(oldestWaitingMs(tasks, noon)).toBe(minutes(7));
  });

  it('is undefined when no task waits', () => {
    expect(oldestWaitingMs([{ status: 'running', createdAt: noon }], noon)).toBeUndefined();
  });
});

describe('an instance without work', () => {
  const session = { id: 'ses_01J0000000000000000000000A', startedAt: addMs(noon, -minutes(60)) } as const;
  const idle = aRunner({
    instanceId: 'i-1',
    status: 'online',
    idleTimeoutMs: minutes(5),
    session,
    idleSince: addMs(noon, -minutes(21)),
  });

  it('is one that is on 15 minutes after its idle time', () => {
    expect(withoutWork([idle], noon)).toEqual([idle]);
    expect(withoutWork([idle], addMs(noon, -minutes(2)))).toEqual([]);
  });

  it.each([
    ['that works', { slots: ['tsk_01J0000000000000000000000A'] }],
    ['that is off', { session: undefined }],
    ["that a webhook's receiver powers", { webhookUrl: 'https://example.com' }],
  ] as const)('is not one %s', (_what, over) => {
    expect(
      withoutWork([aRunner({ ...idle, ...over, slots: [...('slots' in over ? over.slots : [])] })], noon),
    ).toEqual([]);
  });
});

describe('the saving of a sleep', () => {
  const startedAt = addMs(noon, minutes(60));

  it('is the cost that the instance would have had meanwhile', () => {
    const runner = { lastSessionEndedAt: noon };
    expect(savedBySleepUsd(runner, { startedAt }, 16_800)).toBeCloseTo(0.0168, 6);
  });

  it.each([
    ['before its first session', undefined, 16_800],
    ['whose price is unknown', noon, undefined],
  ])('is unknown for an instance %s', (_what, lastSessionEndedAt, price) => {
    expect(savedBySleepUsd({ lastSessionEndedAt }, { startedAt }, price)).toBeUndefined();
  });
});
