/**
 * Run times of a schedule. Like EventBridge Scheduler, it omits a time that a clock skips in spring. A time
 * that a clock shows twice in autumn runs once, the first time.
 *
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
 */
import { Cron } from 'croner';
import { addMs, epochMs, type Instant, toInstant } from '../../../protocol/index.ts';

export interface Timing {
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly startsAt?: Instant;
  readonly endsAt?: Instant;
}

/** Returns the local time of the zone at a moment, as if it were UTC; both in epoch milliseconds. */
type Clock = (atMs: number) => number;

const clockOf = (timeZone: string): Clock => {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    return Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
  };
};

const dayMs = 86_400_000;

/** Returns the first moment at which the clock shows this time; undefined when the clock skips it. */
const momentOf = (shownMs: number, clock: Clock): number | undefined => {
  const candidates = [shownMs - dayMs, shownMs + dayMs].map((near) => shownMs - (clock(near) - near));
  const found = candidates.filter((atMs) => clock(atMs) === shownMs);
  return found.length > 0 ? Math.min(...found) : undefined;
};

/** Maximum clock times examined per run: more than a clock shows twice or skips. */
const lookedAtMost = 10_000;

/** Returns the next `count` runs after `after`. The expression is one that `readCron` accepts. */
export const nextRuns = (timing: Timing, after: Instant, count: number): Instant[] => {
  const { cron, timeZone, startsAt, endsAt } = timing;
  const from = startsAt !== undefined && startsAt > after ? addMs(startsAt, -1) : after;
  const fromMs = epochMs(from);
  const clock = clockOf(timeZone);
  const times = new Cron(cron, { timezone: 'UTC', mode: '5-part' });
  const runs: Instant[] = [];
  let shown = times.nextRun(new Date(clock(fromMs)));
  for (let looked = 0; shown && looked < lookedAtMost && runs.length < count; looked += 1) {
    const atMs = momentOf(shown.getTime(), clock);
    if (atMs !== undefined && atMs > fromMs) {
      const at = toInstant(atMs);
      if (endsAt !== undefined && at >= endsAt) break;
      runs.push(at);
    }
    shown = times.nextRun(shown);
  }
  return runs;
};
