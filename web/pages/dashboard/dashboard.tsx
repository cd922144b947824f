/** Dashboard of a project: current work, recent failures, and savings. */
import { useQueryClient, useSuspenseQueries, useSuspenseQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import type { Dashboard, LiveTasks, Runner, Task } from '../../../protocol/index.ts';
import { dashboardQuery, liveTasksQuery } from '../../data/insight.ts';
import { projectsQuery } from '../../data/projects.ts';
import { runnersQuery } from '../../data/queries.ts';
import { useMay } from '../../data/session.ts';
import { RunnerBadge, runnerState, TaskBadge } from '../../ui/badge.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Figure, Figures } from '../../ui/figure.tsx';
import { formatMoney } from '../../ui/money.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { isShortHistory } from '../../ui/saving.ts';
import { durationTicks } from '../../ui/ticks.ts';
import { Ago, Duration, formatDuration, roughDuration } from '../../ui/time.tsx';
import { SavedFigure } from '../costs/cost-window.tsx';
import { UnpricedNotice } from '../costs/unpriced-notice.tsx';
import { TaskLink } from '../tasks/task-table.tsx';
import { DayChart } from './day-chart.tsx';

type Listed = LiveTasks['running'][number];

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

const median = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)];
};

const TaskRows = ({
  tasks,
  none,
  since,
}: {
  readonly tasks: readonly Listed[];
  readonly none: string;
  readonly since: (task: Listed) => ReactNode;
}): ReactNode =>
  tasks.length === 0 ? (
    <p className="quiet-text">{none}</p>
  ) : (
    <ul className="rows">
      {tasks.map((task) => (
        <li key={task.id}>
          <TaskLink task={task as Task}>{task.templateName}</TaskLink>
          <TaskBadge status={task.status} />
          <span className="wide small-text quiet-text">
            {since(task)}
            {task.reason && <> · {task.reason}</>}
          </span>
        </li>
      ))}
    </ul>
  );

interface Shown {
  readonly live: LiveTasks;
  readonly history: Dashboard;
  readonly runners: readonly Runner[];
}

/** Reads what is shown. Reads the history again when a task has ended, but not repeatedly. */
const useDashboard = (projectId: string): Shown => {
  const client = useQueryClient();
  const [{ data: live }, { data: history }, { data: runners }] = useSuspenseQueries({
    queries: [liveTasksQuery(projectId), dashboardQuery(projectId), runnersQuery(projectId)],
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
  const { live, history, runners } = useDashboard(projectId);
  const mayRun = useMay(projectId, 'task_runner');
  const isManager = useMay(projectId, 'manager');
  const project = projects.find(({ id }) => id === projectId);
  const { running, waiting } = live;
  const { days, failures } = history;
  const tasks = days.reduce((sum, day) => sum + day.succeeded + day.failed + day.stopped, 0);
  const success = successOf(days);
  const wait = median(days.map(({ medianWaitMs }) => medianWaitMs));
  const awake = runners.filter(({ status }) => status !== 'stopped' && status !== 'offline').length;
  const isShort = isShortHistory(days, ({ succeeded, failed, stopped }) => succeeded + failed + stopped > 0);
  const isNew = tasks + running.length + waiting.length === 0;
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
      {isNew && (
        <Empty
          icon="tasks"
          title="Nothing has run here in the last two weeks"
          action={
            isManager && runners.length === 0 ? (
              <ButtonLink look="primary" to="/projects/$projectId/runners" params={{ projectId }}>
                Add a runner
              </ButtonLink>
            ) : undefined
          }
        >
          {runners.length === 0
            ? 'Add a runner that can run tasks, then a template that defines them.'
            : 'Run a template, and follow its task here.'}
        </Empty>
      )}
      <Figures>
        <Figure
          name="Running now"
          value={String(running.length)}
          note={waiting.length > 0 ? `${waiting.length} waiting` : ''}
        />
        <Figure name="Runners awake" value={String(awake)} note={`of ${runners.length}`} />
        <Figure
          name="Success, 14 days"
          value={success.rate === undefined ? '–' : percent.format(success.rate)}
          note={success.ended === 0 ? '' : `of ${success.ended} ${success.ended === 1 ? 'task' : 'tasks'}`}
        />
        <Figure name="Wait, median day" value={wait === undefined ? '–' : formatDuration(wait)} />
        <SavedFigure
          name="Saved, 14 days"
          sums={{ spent: history.spentMicroUsd, alwaysOn: history.alwaysOnMicroUsd, isShort }}
          note={`of ${formatMoney(history.alwaysOnMicroUsd)}`}
        />
      </Figures>
      <UnpricedNotice unpriced={history.unpriced} />
      <div className="cards four">
        <Card title="Running">
          <TaskRows
            tasks={running}
            none="No running task."
            since={(task) => (
              <>
                for <Duration from={task.startedAt ?? task.claimedAt ?? task.createdAt} /> · {task.createdBy}
              </>
            )}
          />
        </Card>
        <Card title="Waiting, and why">
          <TaskRows
            tasks={waiting}
            none="No waiting task."
            since={(task) => (
              <>
                for <Duration from={task.createdAt} />
              </>
            )}
          />
        </Card>
        <Card title="Recent failures">
          <TaskRows
            tasks={failures.slice(0, 5)}
            none="No failed task."
            since={(task) => <Ago at={task.finishedAt ?? task.createdAt} />}
          />
        </Card>
        <Card title="Runners">
          {runners.length === 0 ? (
            <p className="quiet-text">This project has no runner of its own.</p>
          ) : (
            <ul className="rows">
              {[...runners]
                .sort((a, b) => Number(runnerState(b)[2]) - Number(runnerState(a)[2]))
                .slice(0, 8)
                .map((runner) => (
                  <li key={runner.id}>
                    <Link
                      to="/projects/$projectId/runners/$runnerId"
                      params={{ projectId, runnerId: runner.id }}
                    >
                      {runner.name}
                    </Link>
                    <RunnerBadge runner={runner} />
                  </li>
                ))}
            </ul>
          )}
        </Card>
      </div>
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
    </Page>
  );
};
