/** Dashboard of a project: current work, recent failures, and savings. */
import { useQueryClient, useSuspenseQueries, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import type { Dashboard, LiveTasks, Runner } from '../../../protocol/index.ts';
import { dashboardQuery, liveTasksQuery } from '../../data/dashboard.ts';
import { projectsQuery } from '../../data/projects.ts';
import { firstRunners, firstRunnersQuery } from '../../data/runners.ts';
import { useMay } from '../../data/session.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Figure, Figures } from '../../ui/figure.tsx';
import { formatMoney } from '../../ui/money.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { isShortHistory } from '../../ui/saving.ts';
import { durationTicks } from '../../ui/ticks.ts';
import { formatDuration, roughDuration } from '../../ui/time.tsx';
import { SavedFigure } from '../costs/cost-window.tsx';
import { UnpricedNotice } from '../costs/unpriced-notice.tsx';
import { DayChart } from './day-chart.tsx';
import { NowCards } from './now-cards.tsx';

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });

const roughPercent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });

/**
 * Number of tasks that ended without being stopped by a person, and the share of them that succeeded, from 0
 * to 1.
 */
const successOf = (
  days: Dashboard['days'],
): { readonly ended: number; readonly rate: number | undefined } => {
  const succeeded = days.reduce((sum, day) => sum + day.succeeded, 0);
  const ended = succeeded + days.reduce((sum, day) => sum + day.failed, 0);
  return { ended, rate: ended === 0 ? undefined : succeeded / ended };
};

const countTasks = (days: Dashboard['days']): number =>
  days.reduce((sum, day) => sum + day.succeeded + day.failed + day.stopped, 0);

/** A count, or the least that it can be. */
const countText = (count: number, isPartial: boolean): string =>
  `${count.toLocaleString()}${isPartial ? '+' : ''}`;

const median = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)];
};

interface Shown {
  readonly live: LiveTasks;
  readonly history: Dashboard;
  /** Some of them, awake or not. */
  readonly runners: readonly Runner[];
}

/** Reads what is shown. Reads the history again when a task has ended, but not repeatedly. */
const useDashboard = (projectId: string): Shown => {
  const client = useQueryClient();
  const [{ data: live }, { data: history }, { data: runners }] = useSuspenseQueries({
    queries: [liveTasksQuery(projectId), dashboardQuery(projectId), firstRunnersQuery(projectId)],
  });
  const before = useRef<LiveTasks>(live);
  useEffect(() => {
    const idsOf = ({ running, waiting }: LiveTasks) => [...running, ...waiting].map(({ id }) => id);
    const now = new Set(idsOf(live));
    const haveEnded = idsOf(before.current).some((id) => !now.has(id));
    before.current = live;
    if (haveEnded) client.refetchQueries({ queryKey: dashboardQuery(projectId).queryKey, stale: true });
  }, [client, live, projectId]);
  return { live, history, runners };
};

export const DashboardPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId' });
  const { data: projects } = useSuspenseQuery(projectsQuery);
  const shown = useDashboard(projectId);
  const mayRun = useMay(projectId, 'task_runner');
  const project = projects.find(({ id }) => id === projectId);
  const { live, history, runners } = shown;
  const isNew = countTasks(history.days) + live.counts.running + live.counts.waiting === 0;
  return (
    <Page
      title={project?.name ?? 'Dashboard'}
      lead={project?.description}
      actions={
        mayRun && (
          <ButtonLink look="primary" to="/projects/$projectId/templates" params={{ projectId }}>
            Run a template
          </ButtonLink>
        )
      }
    >
      {isNew && <NothingYet projectId={projectId} hasRunners={runners.length > 0} />}
      <DashboardFigures {...shown} />
      <UnpricedNotice unpriced={history.unpriced} />
      <NowCards projectId={projectId} live={live} failures={history.failures} runners={runners} />
      <DayCards days={history.days} />
    </Page>
  );
};

interface NothingYetProps {
  readonly projectId: string;
  readonly hasRunners: boolean;
}

const NothingYet = ({ projectId, hasRunners }: NothingYetProps): ReactNode => {
  const isManager = useMay(projectId, 'manager');
  return (
    <Empty
      icon="tasks"
      title="Nothing has run here in the last two weeks"
      action={
        isManager && !hasRunners ? (
          <ButtonLink look="primary" to="/projects/$projectId/runners" params={{ projectId }}>
            Add a runner
          </ButtonLink>
        ) : undefined
      }
    >
      {hasRunners
        ? 'Run a template, and follow its task here.'
        : 'Add a runner that can run tasks, then a template that defines them.'}
    </Empty>
  );
};

const DashboardFigures = ({ live: { counts, awake }, history, runners }: Shown): ReactNode => {
  const { days, spentMicroUsd, alwaysOnMicroUsd } = history;
  const success = successOf(days);
  const wait = median(days.map(({ medianWaitMs }) => medianWaitMs));
  const isShort = isShortHistory(days, (day) => countTasks([day]) > 0);
  return (
    <Figures>
      <Figure
        name="Running now"
        value={countText(counts.running, counts.isPartial)}
        note={counts.waiting > 0 ? `${countText(counts.waiting, counts.isPartial)} waiting` : ''}
      />
      <Figure
        name="Runners awake"
        value={String(awake.count)}
        note={runners.length < firstRunners ? `of ${runners.length}` : ''}
      />
      <Figure
        name="Success, 14 days"
        value={success.rate === undefined ? '–' : percent.format(success.rate)}
        note={success.ended === 0 ? '' : `of ${success.ended} ${success.ended === 1 ? 'task' : 'tasks'}`}
      />
      <Figure name="Wait, median day" value={wait === undefined ? '–' : formatDuration(wait)} />
      <SavedFigure
        name="Saved, 14 days"
        sums={{ spent: spentMicroUsd, alwaysOn: alwaysOnMicroUsd, isShort }}
        note={`of ${formatMoney(alwaysOnMicroUsd)}`}
      />
    </Figures>
  );
};

const DayCards = ({ days }: Pick<Dashboard, 'days'>): ReactNode => (
  <div className="cards three">
    <Card title="Tasks per day">
      <DayChart
        label="Tasks per day"
        days={days.map(({ day, succeeded, failed, stopped }) => ({
          day,
          values: { succeeded, failed, stopped },
        }))}
        series={[
          { key: 'succeeded', name: 'Succeeded', colour: '--chart-ok', stack: 'tasks' },
          { key: 'failed', name: 'Failed', colour: '--chart-bad', stack: 'tasks' },
          { key: 'stopped', name: 'Stopped', colour: '--chart-quiet', stack: 'tasks' },
        ]}
        format={String}
        isCount
      />
    </Card>
    <Card title="Success rate per day">
      <DayChart
        label="Success rate per day"
        days={days.map((day) => ({ day: day.day, values: { rate: successOf([day]).rate } }))}
        series={[{ key: 'rate', name: 'Of tasks that nobody stopped', colour: '--chart-ok' }]}
        format={percent.format}
        formatAxis={roughPercent.format}
        max={1}
      />
    </Card>
    <Card title="Median durations">
      <DayChart
        label="Median durations per day"
        days={days.map(({ day, medianRunMs, medianWaitMs }) => ({
          day,
          values: { run: medianRunMs, wait: medianWaitMs },
        }))}
        series={[
          { key: 'run', name: 'Run', colour: '--band-busy' },
          { key: 'wait', name: 'Wait', colour: '--band-waking' },
        ]}
        format={formatDuration}
        formatAxis={roughDuration}
        ticksTo={durationTicks}
      />
    </Card>
  </div>
);
