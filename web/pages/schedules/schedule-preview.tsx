/**
 * Explains a cron expression while it is typed: its meaning, and the next runs in its zone and in the
 * browser's.
 */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { epochMs, timeZone as timeZoneSchema } from '../../../protocol/index.ts';
import { ApiProblem, messageOf } from '../../data/request.ts';
import { schedulePreviewQuery, type Timing } from '../../data/starts.ts';
import { ownTimeZone } from '../../shared/local-time.ts';
import { Icon } from '../../ui/icons.tsx';
import { useSettled } from '../../ui/settled.ts';

const fieldNames: Readonly<Record<string, string>> = {
  cron: 'The cron expression',
  timeZone: 'The time zone',
  endsAt: 'The end',
};

/** Describes the error in a sentence about the field. */
const sentenceOf = (error: unknown): string => {
  const faults = error instanceof ApiProblem ? Object.entries(error.fieldErrors) : [];
  if (faults.length === 0) return messageOf(error);
  return faults.map(([path, message]) => `${fieldNames[path] ?? path} ${message}.`).join(' ');
};

const clockOf = (timeZone: string) =>
  new Intl.DateTimeFormat(undefined, {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });

export const SchedulePreview = (typed: Timing): ReactNode => {
  const timing = {
    cron: useSettled(typed.cron.trim()),
    timeZone: useSettled(typed.timeZone.trim()),
    startsAt: useSettled(typed.startsAt),
    endsAt: useSettled(typed.endsAt),
  };
  const isEmpty = timing.cron === '' || timing.timeZone === '';
  const { data, error } = useQuery({ ...schedulePreviewQuery(timing), enabled: !isEmpty });
  if (isEmpty) return null;
  const text = error ? sentenceOf(error) : data?.sentence;
  return (
    <section className="schedule-preview" aria-label="Preview">
      <p className="sentence" aria-live="polite">
        <Icon name={error ? 'warning' : 'clock'} />
        <span>{text ?? 'Loading the next runs…'}</span>
      </p>
      {!error && data && <NextRuns runs={data.nextRuns} timeZone={data.timeZone} />}
    </section>
  );
};

/** Next runs, in both zones when they differ. */
const NextRuns = ({
  runs,
  timeZone,
}: {
  readonly runs: readonly string[];
  readonly timeZone: string;
}): ReactNode => {
  if (runs.length === 0) return <p className="quiet-text">It has no further runs.</p>;
  const own = ownTimeZone();
  // The control plane may know a zone that this browser does not.
  const isKnown = timeZoneSchema.safeParse(timeZone).success;
  const zones = timeZone === own || !isKnown ? [own] : [timeZone, own];
  const clocks = zones.map((zone) => [zone, clockOf(zone)] as const);
  return (
    <table>
      <caption className="only-heard">The next runs</caption>
      <thead>
        <tr>
          {zones.map((zone) => (
            <th key={zone} scope="col">
              {zone === own ? `Your clock (${zone})` : zone}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {runs.map((at) => (
          <tr key={at}>
            {clocks.map(([zone, clock]) => (
              <td key={zone}>
                <time dateTime={at}>{clock.format(epochMs(at))}</time>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
};
