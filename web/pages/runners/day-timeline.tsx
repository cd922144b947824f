/** Day of a runner: when it slept, woke, worked and idled. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import {
  type Band,
  type BandState,
  epochMs,
  msBetween,
  type Runner,
  type Timeline,
} from '../../../protocol/index.ts';
import { timelineQuery } from '../../data/dashboard.ts';
import { TaskBadge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Card } from '../../ui/page.tsx';
import { formatDuration, Moment } from '../../ui/time.tsx';

const names: Readonly<Record<BandState, string>> = {
  asleep: 'Asleep',
  waking: 'Waking',
  busy: 'Busy',
  idle: 'Idle',
};
const states = ['asleep', 'waking', 'busy', 'idle'] as const;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const moment = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const dayMs = 86_400_000;
const hoursApart = 3;
const hourMs = 3_600_000;

const totalOf = (bands: readonly Band[], state: BandState): number =>
  bands.filter((band) => band.state === state).reduce((sum, { from, to }) => sum + msBetween(from, to), 0);

/** Margin at the edges, in percent of the width. A label nearer to an edge would stand out over it. */
const edge = 5;

/** Every third whole hour of the day. */
const hoursWithin = (from: number, to: number): number[] => {
  const first = new Date(from);
  first.setHours(Math.ceil((first.getHours() + 1) / hoursApart) * hoursApart, 0, 0, 0);
  const hours: number[] = [];
  for (let at = first.getTime(); at < to; at += hoursApart * hourMs) hours.push(at);
  return hours;
};

interface DayTimelineProps {
  readonly projectId: string | undefined;
  readonly runner: Runner;
}

/** Lists the bands in words, for screen readers. */
const Words = ({ bands }: { readonly bands: readonly Band[] }): ReactNode => (
  <ul className="only-heard">
    {bands.map((band) => (
      <li key={band.from}>
        {names[band.state]} from {moment.format(epochMs(band.from))} for{' '}
        {formatDuration(msBetween(band.from, band.to))}
      </li>
    ))}
  </ul>
);

export const DayTimeline = ({ projectId, runner }: DayTimelineProps): ReactNode => {
  /** End of the 24 hours; undefined for the present. */
  const [end, setEnd] = useState<number>();
  const timeline = useQuery(
    timelineQuery(projectId, runner, end === undefined ? undefined : new Date(end).toISOString()),
  );
  return (
    <Loaded query={timeline}>
      {(data) => <Day data={data} projectId={projectId} end={end} onEnd={setEnd} />}
    </Loaded>
  );
};

interface DayProps {
  readonly data: Timeline;
  readonly projectId: string | undefined;
  readonly end: number | undefined;
  readonly onEnd: (end: number | undefined) => void;
}

const Day = ({ data, projectId, end, onEnd }: DayProps): ReactNode => {
  const from = epochMs(data.from);
  const to = epochMs(data.to);
  const length = to - from;
  const at = (moment: number): number => ((moment - from) / length) * 1000;
  const later = to + dayMs;
  return (
    <Card
      title={end === undefined ? 'The last 24 hours' : `${moment.format(from)} to ${moment.format(to)}`}
      actions={
        <div className="row">
          <Button small onPress={() => onEnd(from)}>
            Day before
          </Button>
          <Button
            small
            isDisabled={end === undefined}
            onPress={() => onEnd(later >= Date.now() ? undefined : later)}
          >
            Day after
          </Button>
        </div>
      }
    >
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
        {hoursWithin(from, to)
          .map((hour) => ({ hour, left: at(hour) / 10 }))
          .filter(({ left }) => left >= edge && left <= 100 - edge)
          .map(({ hour, left }) => (
            <span key={hour} style={{ left: `${left}%` }}>
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
      <Words bands={data.bands} />
      {data.tasks.length > 0 && <Tasks tasks={data.tasks} projectId={projectId} />}
    </Card>
  );
};

interface TasksProps {
  readonly tasks: Timeline['tasks'];
  readonly projectId: string | undefined;
}

/** Tasks of the day. A global runner does not show which project they belong to. */
const Tasks = ({ tasks, projectId }: TasksProps): ReactNode => (
  <details className="timeline-tasks">
    <summary>Tasks</summary>
    <ul className="rows">
      {tasks.map((task) => (
        <li key={task.id}>
          {projectId ? (
            <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId: task.id }} search={{}}>
              {task.templateName}
            </Link>
          ) : (
            task.templateName
          )}
          <TaskBadge status={task.status} />
          <span className="wide small-text quiet-text">
            <Moment at={task.from} /> · {formatDuration(msBetween(task.from, task.to))}
          </span>
        </li>
      ))}
    </ul>
  </details>
);
