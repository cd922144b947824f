/** Cron expressions of EventBridge Scheduler, evaluated per minute. */
import { AwsError } from '../call.ts';

export interface CronExpression {
  /** True if the expression matches the minute that starts then, in its time zone. */
  isDue(minuteMs: number): boolean;
}

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly names?: readonly string[];
}

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based */
const fields: readonly Field[] = [
  { name: 'minutes', first: 0, last: 59 },
  { name: 'hours', first: 0, last: 23 },
  { name: 'day-of-month', first: 1, last: 31 },
  {
    name: 'month',
    first: 1,
    last: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  { name: 'day-of-week', first: 1, last: 7, names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
  { name: 'year', first: 1970, last: 2199 },
];

const invalid = (message: string) => new AwsError('ValidationException', message);

const numberOf = (text: string, { first, last, names = [] }: Field): number | undefined => {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return named + first;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= first && value <= last ? value : undefined;
};

/**
 * Parses a field; undefined means any value. Steps and the letters L, W and # are unsupported because
 * Reveille uses none.
 */
const readField = (text: string, field: Field): ReadonlySet<number> | undefined => {
  if (text === '*' || text === '?') return undefined;
  const values = text.split(',').flatMap((part) => {
    const [from = '', to = from, ...more] = part.split('-');
    const [first, last] = [numberOf(from, field), numberOf(to, field)];
    if (first === undefined || last === undefined || first > last || more.length > 0) {
      throw invalid(
        `Invalid Schedule Expression: the stack on one machine does not take ${text} for ${field.name}.`,
      );
    }
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return new Set(values);
};

const clockOf = (timeZone: string) => {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      weekday: 'short',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch {
    throw invalid(`The ScheduleExpressionTimezone ${timeZone} is not one.`);
  }
};

/** Amounts by which clocks are put back, up to the largest. */
const putBackMs = [30 * 60_000, 60 * 60_000, 120 * 60_000];

/** Parses an expression; throws AWS's error for one that AWS rejects or the local stack does not support. */
export const readExpression = (text: string, timeZone: string): CronExpression => {
  const parts = /^cron\(([^()]*)\)$/.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  if (parts.length !== fields.length) {
    throw invalid(
      `Invalid Schedule Expression ${text}: the stack on one machine takes cron(…) with six fields.`,
    );
  }
  if ((parts[2] === '?') === (parts[4] === '?')) {
    throw invalid(
      `Invalid Schedule Expression ${text}: one of day-of-month and day-of-week must be ?, and only one.`,
    );
  }
  const wanted = fields.map((field, index) => readField(parts[index] ?? '', field));
  const clock = clockOf(timeZone);
  const shown = (atMs: number): Record<string, string> =>
    Object.fromEntries(clock.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const matches = (atMs: number): boolean => {
    const { minute, hour, day, month, weekday = '', year } = shown(atMs);
    const dayOfWeek = fields[4]?.names?.indexOf(weekday.toUpperCase()) ?? -1;
    return [minute, hour, day, month, dayOfWeek + 1, year]
      .map(Number)
      .every((value, index) => wanted[index]?.has(value) ?? true);
  };
  return {
    // A clock that is put back shows a time twice; the schedule runs only the first time.
    isDue: (minuteMs) =>
      matches(minuteMs) && !putBackMs.some((ms) => clock.format(minuteMs - ms) === clock.format(minuteMs)),
  };
};
