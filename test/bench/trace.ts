/** Traces: start, duration and runner tag of each task. */
import * as z from 'zod';

const header = 'arrival_s,duration_s,tag';
const milliseconds = z
  .string()
  .regex(/^\d+$/)
  .transform((seconds) => Number(seconds) * 1000);
const row = z.tuple([milliseconds, milliseconds.pipe(z.number().positive()), z.string().min(1)]);

export interface TracedTask {
  /** Milliseconds since a Monday, 00:00 UTC. */
  readonly arrivalMs: number;
  readonly runMs: number;
  readonly tag: string;
}

/** Reads the tasks of a trace, in the order of arrival. Throws with a line that is not a task. */
export const parseTrace = (text: string): TracedTask[] => {
  const [first, ...lines] = text.trimEnd().split(/\r?\n/);
  if (first !== header || lines.length === 0) throw new Error(`It must be lines of tasks below ${header}.`);
  return lines
    .map((line, index) => {
      const { data } = row.safeParse(line.split(','));
      if (!data) throw new Error(`Line ${index + 2} is not ${header} in whole seconds: ${line}`);
      const [arrivalMs, runMs, tag] = data;
      return { arrivalMs, runMs, tag };
    })
    .sort((one, other) => one.arrivalMs - other.arrivalMs);
};

/** Returns the tasks of the first `days` days after the first arrival. */
export const firstDays = (tasks: readonly TracedTask[], days: number): TracedTask[] => {
  const endMs = (tasks[0]?.arrivalMs ?? 0) + days * 86_400_000;
  return tasks.filter(({ arrivalMs }) => arrivalMs < endMs);
};
