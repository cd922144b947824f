/** EventBridge Scheduler's documented behaviour at clock changes, in three zones of both hemispheres. */
import { describe, expect, it } from 'vitest';
import { nextRuns } from './next-runs.ts';

const runs = (cron: string, timeZone: string, after: string, count = 3): string[] =>
  nextRuns({ cron, timeZone }, after, count).map((at) => at.replace(':00.000Z', 'Z'));

describe('the next runs', () => {
  it('are later than the given moment, to the minute', () => {
    expect(runs('*/15 * * * *', 'UTC', '2026-01-01T12:00:00.000Z', 2)).toEqual([
      '2026-01-01T12:15Z',
      '2026-01-01T12:30Z',
    ]);
    expect(runs('0 12 * * *', 'UTC', '2026-01-01T11:59:59.999Z', 1)).toEqual(['2026-01-01T12:00Z']);
  });

  it('follow the clock of the zone, also where it is half an hour or three quarters off', () => {
    expect(runs('0 3 * * *', 'Asia/Kolkata', '2026-01-01T00:00:00.000Z', 1)).toEqual(['2026-01-01T21:30Z']);
    expect(runs('0 3 * * *', 'Asia/Kathmandu', '2026-01-01T00:00:00.000Z', 1)).toEqual(['2026-01-01T21:15Z']);
  });

  it('count days of the week from Sunday, as 0 and as 7', () => {
    for (const sunday of ['0', '7', 'SUN'])
      expect(runs(`0 0 * * ${sunday}`, 'UTC', '2026-01-01T00:00:00.000Z', 1)).toEqual(['2026-01-04T00:00Z']);
  });

  it('begin at the start and stop before the end', () => {
    const timing = {
      cron: '0 * * * *',
      timeZone: 'UTC',
      startsAt: '2026-01-02T10:00:00.000Z',
      endsAt: '2026-01-02T12:00:00.000Z',
    };
    expect(nextRuns(timing, '2026-01-01T00:00:00.000Z', 5)).toEqual([
      '2026-01-02T10:00:00.000Z',
      '2026-01-02T11:00:00.000Z',
    ]);
    expect(nextRuns(timing, '2026-01-02T11:00:00.000Z', 5)).toEqual([]);
  });

  it('are only in leap years for the 29th of February', () => {
    expect(runs('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00.000Z', 2)).toEqual([
      '2028-02-29T00:00Z',
      '2032-02-29T00:00Z',
    ]);
  });
});

/**
 * By zone: half past the hour that is skipped, and half past the one that comes twice, on three days around.
 */
const changes = [
  {
    zone: 'Europe/Berlin',
    skipped: { cron: '30 2 * * *', after: '2026-03-28T00:00:00.000Z' },
    around: ['2026-03-28T01:30Z', '2026-03-30T00:30Z', '2026-03-31T00:30Z'],
    twice: { cron: '30 2 * * *', after: '2026-10-24T00:00:00.000Z' },
    once: ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'],
  },
  {
    zone: 'America/New_York',
    skipped: { cron: '30 2 * * *', after: '2026-03-07T00:00:00.000Z' },
    around: ['2026-03-07T07:30Z', '2026-03-09T06:30Z', '2026-03-10T06:30Z'],
    twice: { cron: '30 1 * * *', after: '2026-10-31T00:00:00.000Z' },
    once: ['2026-10-31T05:30Z', '2026-11-01T05:30Z', '2026-11-02T06:30Z'],
  },
  {
    zone: 'Australia/Sydney',
    skipped: { cron: '30 2 * * *', after: '2026-10-02T12:00:00.000Z' },
    around: ['2026-10-02T16:30Z', '2026-10-04T15:30Z', '2026-10-05T15:30Z'],
    twice: { cron: '30 2 * * *', after: '2026-04-03T12:00:00.000Z' },
    once: ['2026-04-03T15:30Z', '2026-04-04T15:30Z', '2026-04-05T16:30Z'],
  },
];

describe.each(changes)('where clocks change, in $zone', ({ zone, skipped, around, twice, once }) => {
  it('omit the time that is skipped in spring', () => {
    expect(runs(skipped.cron, zone, skipped.after)).toEqual(around);
  });

  it('occur once at the time that comes twice in autumn, the first time', () => {
    expect(runs(twice.cron, zone, twice.after)).toEqual(once);
  });

  it('stay at the same local time at noon', () => {
    for (const { after } of [skipped, twice]) {
      const shown = nextRuns({ cron: '0 12 * * *', timeZone: zone }, after, 4).map((at) =>
        new Intl.DateTimeFormat('en', { timeZone: zone, hour: 'numeric', hourCycle: 'h23' }).format(
          Date.parse(at),
        ),
      );
      expect(shown).toEqual(['12', '12', '12', '12']);
    }
  });
});

describe('many times a day, where clocks change', () => {
  it('continue from minute to minute over a skipped hour', () => {
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:15:00.000Z')).toEqual([
      '2026-03-29T00:30Z',
      '2026-03-29T01:00Z',
      '2026-03-29T01:30Z',
    ]);
  });

  it('pause while the clock repeats an hour', () => {
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:15:00.000Z')).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-25T02:00Z',
      '2026-10-25T02:30Z',
    ]);
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-10-25T01:45:00.000Z', 1)).toEqual([
      '2026-10-25T02:00Z',
    ]);
  });

  it('handle a change by half an hour, and a skipped day', () => {
    expect(runs('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00.000Z', 2)).toEqual([
      '2026-04-04T14:45Z',
      '2026-04-05T15:15Z',
    ]);
    expect(runs('0 12 * * *', 'Pacific/Apia', '2011-12-29T12:00:00.000Z', 2)).toEqual([
      '2011-12-29T22:00Z',
      '2011-12-30T22:00Z',
    ]);
  });
});
