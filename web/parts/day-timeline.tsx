/** The day of a runner: when it slept, woke, worked and idled. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Band, type BandState, epochMs, msBetween } from '../../protocol/index.ts';
import { timelineQuery } from '../client/insight.ts';
import { Card } from '../ui/page.tsx';
import { formatDuration } from '../ui/time.tsx';

const names: Readonly<Record<BandState, string>> = {
  asleep: 'Asleep',
  waking: 'Waking',
  busy: 'Busy',
  idle: 'Idle',
};
const states = ['asleep', 'waking', 'busy', 'idle'] as const;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const hoursApart = 3;
const hourMs = 3_600_000;

const totalOf = (bands: readonly Band[], state: BandState): number =>
  bands.filter((band) => band.state === state).reduce((sum, { from, to }) => sum + msBetween(from, to), 0);

/** Whole hours of the day, every third. */
const hoursWithin = (from: number, to: number): number[] => {
  const first = new Date(from);
  first.setHours(Math.ceil((first.getHours() + 1) / hoursApart) * hoursApart, 0, 0, 0);
  const hours: number[] = [];
  for (let at = first.getTime(); at < to; at += hoursApart * hourMs) hours.push(at);
  return hours;
};

interface DayTimelineProps {
  readonly projectId: string | undefined;
  readonly runnerId: string;
}

export const DayTimeline = ({ projectId, runnerId }: DayTimelineProps): ReactNode => {
  const { data } = useQuery(timelineQuery(projectId, runnerId));
  if (!data) return null;
  const from = epochMs(data.from);
  const length = msBetween(data.from, data.to);
  const at = (moment: number): number => ((moment - from) / length) * 1000;
  return (
    <Card title="The last 24 hours">
      <svg className="timeline" viewBox="0 0 1000 56" preserveAspectRatio="none" aria-hidden="true">
        {data.bands.map((band) => (
          <rect
            key={band.from}
            className={`band-${band.state}`}
            x={at(epochMs(band.from))}
            y="0"
            width={Math.max(1, at(epochMs(band.to)) - at(epochMs(band.from)))}
            height="56"
          >
            <title>
              {names[band.state]}, {clock.format(epochMs(band.from))} to {clock.format(epochMs(band.to))}
            </title>
          </rect>
        ))}
      </svg>
      <div className="timeline-hours" aria-hidden="true">
        {hoursWithin(from, epochMs(data.to)).map((hour) => (
          <span key={hour} style={{ left: `${at(hour) / 10}%` }}>
            {clock.format(hour)}
          </span>
        ))}
      </div>
      <ul className="legend">
        {states.map((state) => (
          <li key={state}>
            <span className={`swatch band-${state}`} />
            {names[state]} {formatDuration(totalOf(data.bands, state))}
          </li>
        ))}
        <li>
          {data.tasks.length} {data.tasks.length === 1 ? 'task' : 'tasks'}
        </li>
      </ul>
    </Card>
  );
};
