/**
 * Compares the next runs that users see with the invocations of EventBridge Scheduler's stand-in. The two
 * programs share no code and must agree, on days with clock changes, for any expression of a crontab.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron, toScheduleExpression } from '../../lambdas/core/schedules/cron.ts';
import { nextRuns } from '../../lambdas/core/schedules/next-runs.ts';
import { readExpression } from '../../local/aws/scheduler/expression.ts';

/** Days on which clocks go forward or back. */
const changes: [zone: string, day: string][] = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Sydney', '2026-10-04'],
  ['Australia/Sydney', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['America/Santiago', '2026-09-06'],
  ['UTC', '2026-03-29'],
];
const dayMs = 86_400_000;

const list = (first: number, last: number, maxLength: number) =>
  fc
    .uniqueArray(fc.integer({ min: first, max: last }), { minLength: 1, maxLength })
    .map((values) => values.join(','));
const steps = fc.integer({ min: 1, max: 40 }).map((by) => `*/${by}`);
/** Expressions mostly in the hours of clock changes. */
const anyCron = fc
  .tuple(
    fc.oneof(list(0, 59, 3), steps),
    fc.oneof(list(0, 4, 3), fc.constant('*'), list(0, 23, 4), fc.constant('0-3')),
    fc.constantFrom('* * *', '* * 0,6', '* * 7', '* * 5-7', '1-8 * *', '25,29 * *', '* 3,4,9-11 *'),
  )
  .map((parts) => parts.join(' '));

describe.each(changes)('in %s around %s', (timeZone, day) => {
  it('shows exactly the runs that the scheduler makes', () => {
    const fromMs = Date.parse(day) - dayMs;
    const toMs = Date.parse(day) + 2 * dayMs;
    fc.assert(
      fc.property(anyCron, (cron) => {
        const read = readCron(cron);
        if (!read.ok) throw new Error(read.fault);
        const { isDue } = readExpression(toScheduleExpression(read.cron), timeZone);
        const come: string[] = [];
        for (let at = fromMs; at < toMs && come.length < 300; at += 60_000) {
          if (isDue(at)) come.push(new Date(at).toISOString());
        }
        const endsAt = new Date(toMs).toISOString();
        const shown = nextRuns({ cron, timeZone, endsAt }, new Date(fromMs - 1).toISOString(), 300);
        expect(shown.slice(0, come.length)).toEqual(come);
        if (come.length < 300) expect(shown).toHaveLength(come.length);
      }),
      { numRuns: 12 },
    );
  });
});
