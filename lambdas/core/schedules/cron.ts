/**
 * Cron expressions of five fields, as in crontab(5): their faults in words, and their form for EventBridge
 * Scheduler.
 */
import { CronPattern } from 'croner';

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface FieldKind {
  readonly name: string;
  readonly takes: string;
  /** First value, and number of values. */
  readonly first: number;
  readonly count: number;
  readonly names?: readonly string[];
}

const kinds = [
  { name: 'minute', takes: '0 to 59', first: 0, count: 60 },
  { name: 'hour', takes: '0 to 23', first: 0, count: 24 },
  { name: 'day of month', takes: '1 to 31', first: 1, count: 31 },
  { name: 'month', takes: '1 to 12 or JAN to DEC', first: 1, count: 12, names: monthNames },
  { name: 'day of week', takes: '0 to 7 or SUN to SAT', first: 0, count: 7, names: dayNames },
] as const satisfies readonly FieldKind[];

/** Values of each field in ascending order; Sunday is 0. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
}

export type CronResult =
  | { readonly ok: true; readonly cron: Cron }
  /** `fault` continues "The cron expression". */
  | { readonly ok: false; readonly fault: string };

/** Numbers, names, lists, ranges and steps: croner's extensions (L, W, #, ?) are not in a crontab. */
const isPlain = (text: string): boolean => /^[A-Z0-9*,/-]+$/i.test(text);
const hasOwnNamesOnly = (text: string, { names = [] }: FieldKind): boolean =>
  (text.match(/[A-Z]+/gi) ?? []).every((word) => names.includes(word.toUpperCase()));

const asPattern = (fields: readonly string[]): CronPattern | undefined => {
  try {
    return new CronPattern(fields.join(' '), 'UTC', { mode: '5-part' });
  } catch {
    return undefined;
  }
};

const isRight = (text: string, index: number, kind: FieldKind): boolean =>
  isPlain(text) &&
  hasOwnNamesOnly(text, kind) &&
  asPattern(kinds.map((_, other) => (other === index ? text : '*'))) !== undefined;

const valuesOf = (flags: readonly number[], first: number): number[] =>
  flags.flatMap((flag, index) => (flag ? [index + first] : []));

/** Maximum length of each month. */
const monthLengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const comesRound = ({ daysOfMonth, months }: Cron): boolean =>
  months.some((month) => (daysOfMonth[0] ?? 0) <= (monthLengths[month - 1] ?? 0));

/** Reads an expression. */
export const readCron = (text: string): CronResult => {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== kinds.length) {
    const fault = `must have five fields (minute, hour, day of month, month, day of week), and has ${fields.length}`;
    return { ok: false, fault };
  }
  const wrong = kinds.findIndex((kind, index) => !isRight(fields[index] ?? '', index, kind));
  const kind = kinds[wrong];
  if (kind) {
    const fault = `has a wrong ${kind.name}, "${fields[wrong]}": it takes ${kind.takes}, lists (1,2), ranges (1-5) and steps (*/2, 1-9/2)`;
    return { ok: false, fault };
  }
  const pattern = asPattern(fields);
  if (!pattern) return { ok: false, fault: 'cannot be read' };
  const cron: Cron = {
    minutes: valuesOf(pattern.minute, 0),
    hours: valuesOf(pattern.hour, 0),
    daysOfMonth: valuesOf(pattern.day, 1),
    months: valuesOf(pattern.month, 1),
    daysOfWeek: valuesOf(pattern.dayOfWeek, 0),
  };
  if (!isAll(cron.daysOfMonth, kinds[2]) && !isAll(cron.daysOfWeek, kinds[4])) {
    const fault =
      'names both days of the month and days of the week, which EventBridge Scheduler cannot do: make one of the two fields *, or make two schedules';
    return { ok: false, fault };
  }
  return comesRound(cron)
    ? { ok: true, cron }
    : { ok: false, fault: 'never comes round: none of its months has such a day' };
};

const isAll = (values: readonly number[], { count }: FieldKind): boolean => values.length === count;

/** Groups consecutive values, each run as its first and last. */
const runsOf = (values: readonly number[]): [first: number, last: number][] => {
  const runs: [number, number][] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run && run[1] === value - 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs;
};

const fieldText = (values: readonly number[], kind: FieldKind): string => {
  if (isAll(values, kind)) return '*';
  const text = (value: number): string => kind.names?.[value - kind.first] ?? String(value);
  return runsOf(values)
    .map(([first, last]) => (first === last ? text(first) : `${text(first)}-${text(last)}`))
    .join(',');
};

/**
 * Expression for EventBridge Scheduler, with a sixth field for the year, and "?" for one of the two fields of
 * days. Its days of the week count from 1 for Sunday, where a crontab counts from 0: names are the same in
 * both. Values are listed in full, since steps begin elsewhere in the two.
 *
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
 */
export const toScheduleExpression = ({ minutes, hours, daysOfMonth, months, daysOfWeek }: Cron): string => {
  const [minute, hour, dayOfMonth, month, dayOfWeek] = kinds;
  const weekly = !isAll(daysOfWeek, dayOfWeek);
  const fields = [
    fieldText(minutes, minute),
    fieldText(hours, hour),
    weekly ? '?' : fieldText(daysOfMonth, dayOfMonth),
    fieldText(months, month),
    weekly ? fieldText(daysOfWeek, dayOfWeek) : '?',
    '*',
  ];
  return `cron(${fields.join(' ')})`;
};

/** Describes it: "At 03:00, Monday through Friday". For an expression that `readCron` accepts. */
export const describeCron = async (text: string): Promise<string> => {
  // Imported on demand: only a preview shows it.
  const { default: cronstrue } = await import('cronstrue');
  return cronstrue.toString(text, { use24HourTimeFormat: true, throwExceptionOnParseError: true });
};
