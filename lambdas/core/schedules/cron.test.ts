import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeCron, readCron, toScheduleExpression } from './cron.ts';

const expressionOf = (text: string): string => {
  const read = readCron(text);
  if (!read.ok) throw new Error(read.fault);
  return toScheduleExpression(read.cron);
};
const faultOf = (text: string): string => {
  const read = readCron(text);
  return read.ok ? 'none' : read.fault;
};

describe('a cron expression for EventBridge Scheduler', () => {
  it.each([
    ['* * * * *', 'cron(* * * * ? *)'],
    ['0 3 * * *', 'cron(0 3 * * ? *)'],
    ['  0   3 * * * ', 'cron(0 3 * * ? *)'],
    ['*/15 * * * *', 'cron(0,15,30,45 * * * ? *)'],
    ['5-59/20 * * * *', 'cron(5,25,45 * * * ? *)'],
    ['0 9-17 * * 1-5', 'cron(0 9-17 ? * MON-FRI *)'],
    ['0 0 * * 0', 'cron(0 0 ? * SUN *)'],
    ['0 0 * * 7', 'cron(0 0 ? * SUN *)'],
    ['0 0 * * 5-7', 'cron(0 0 ? * SUN,FRI-SAT *)'],
    ['0 0 * * sat,sun', 'cron(0 0 ? * SUN,SAT *)'],
    ['0 0 1 * *', 'cron(0 0 1 * ? *)'],
    ['0 0 */10 * *', 'cron(0 0 1,11,21,31 * ? *)'],
    ['30 2 1,15 1,JUL-SEP *', 'cron(30 2 1,15 JAN,JUL-SEP ? *)'],
    ['0 0 1-31 * 1', 'cron(0 0 ? * MON *)'],
    ['0 0 29 2 *', 'cron(0 0 29 FEB ? *)'],
  ])('is made from %s', (text, expected) => {
    expect(expressionOf(text)).toBe(expected);
  });

  it.each([
    ['0 3 * *', 'must have five fields (minute, hour, day of month, month, day of week), and has 4'],
    ['0 0 3 * * *', 'must have five fields (minute, hour, day of month, month, day of week), and has 6'],
    ['@daily', 'must have five fields (minute, hour, day of month, month, day of week), and has 1'],
    ['60 3 * * *', 'has a wrong minute, "60": it takes 0 to 59'],
    ['0 24 * * *', 'has a wrong hour, "24": it takes 0 to 23'],
    ['0 0 0 * *', 'has a wrong day of month, "0": it takes 1 to 31'],
    ['0 0 L * *', 'has a wrong day of month, "L"'],
    ['0 0 * 13 *', 'has a wrong month, "13": it takes 1 to 12 or JAN to DEC'],
    ['0 0 * MON *', 'has a wrong month, "MON"'],
    ['0 0 * * 8', 'has a wrong day of week, "8": it takes 0 to 7 or SUN to SAT'],
    ['0 0 * * MON#1', 'has a wrong day of week, "MON#1"'],
    ['0 0 ? * 1', 'has a wrong day of month, "?"'],
    ['5-1 * * * *', 'has a wrong minute, "5-1"'],
    ['*/0 * * * *', 'has a wrong minute, "*/0"'],
    ['1,,2 * * * *', 'has a wrong minute, "1,,2"'],
    ['1- * * * *', 'has a wrong minute, "1-"'],
    ['- * * * *', 'has a wrong minute, "-"'],
    ['0 0 13 * 5', 'names both days of the month and days of the week'],
    ['0 0 30 2 *', 'never comes round'],
    ['0 0 31 4,6,9,11 *', 'never comes round'],
  ])('is refused for %s with an explanation', (text, fault) => {
    expect(faultOf(text)).toContain(fault);
  });
});

/** Generates a field of a crontab. */
const field = (first: number, last: number) => {
  const value = fc.integer({ min: first, max: last });
  const range = fc
    .tuple(value, value)
    .map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
  const part = fc.oneof(value.map(String), range);
  const step = fc.integer({ min: 1, max: last });
  return fc.oneof(
    fc.constant('*'),
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(',')),
    fc.tuple(fc.oneof(fc.constant('*'), range), step).map(([of, by]) => `${of}/${by}`),
  );
};
const anyCron = fc
  .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7), fc.boolean())
  .map(([minute, hour, day, month, weekday, weekly]) =>
    [minute, hour, weekly ? '*' : day, month, weekly ? weekday : '*'].join(' '),
  );

describe('any cron expression of a crontab', () => {
  it('has values within the bounds of its fields, and a description', async () => {
    await fc.assert(
      fc.asyncProperty(anyCron, async (text) => {
        const read = readCron(text);
        if (!read.ok) {
          expect(read.fault).toContain('never comes round');
          return;
        }
        const { minutes, hours, daysOfMonth, months, daysOfWeek } = read.cron;
        const bounds: [readonly number[], number, number][] = [
          [minutes, 0, 59],
          [hours, 0, 23],
          [daysOfMonth, 1, 31],
          [months, 1, 12],
          [daysOfWeek, 0, 6],
        ];
        for (const [values, first, last] of bounds) {
          expect(values.length).toBeGreaterThan(0);
          expect(Math.min(...values)).toBeGreaterThanOrEqual(first);
          expect(Math.max(...values)).toBeLessThanOrEqual(last);
        }
        expect(await describeCron(text)).not.toMatch(/undefined|NaN|error/i);
      }),
    );
  });

  it('fits into the 256 characters of EventBridge Scheduler', () => {
    const odd = (first: number, last: number) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index)
        .filter((value) => (value - first) % 3 !== 2)
        .join(',');
    const longest = [odd(0, 59), odd(0, 23), odd(1, 31), odd(1, 12), '*'].join(' ');
    expect(expressionOf(longest).length).toBeLessThanOrEqual(256);
    fc.assert(
      fc.property(anyCron, (text) => {
        if (readCron(text).ok) expect(expressionOf(text).length).toBeLessThanOrEqual(256);
      }),
    );
  });
});

describe('a cron expression in words', () => {
  it.each([
    ['0 3 * * 1-5', 'At 03:00, Monday through Friday'],
    ['*/5 * * * *', 'Every 5 minutes'],
    ['0 0 * * 7', 'At 00:00, only on Sunday'],
    ['0 12 1 * *', 'At 12:00, on day 1 of the month'],
  ])('describes %s as: %s', async (text, words) => {
    expect(await describeCron(text)).toBe(words);
  });
});
