/** Current work of a project, recent failures, and the state of its runners. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { LiveTasks, Runner } from '../../../protocol/index.ts';
import { RunnerBadge, runnerState } from '../../shared/runner-badge.tsx';
import { TaskBadge } from '../../ui/badge.tsx';
import { Card } from '../../ui/page.tsx';
import { Ago, Duration } from '../../ui/time.tsx';
import { TaskLink } from '../tasks/task-columns.tsx';

type Listed = LiveTasks['running'][number];

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
      {tasks.slice(0, shown).map((task) => (
        <li key={task.id}>
          <TaskLink task={task}>{task.templateName}</TaskLink>
          <TaskBadge status={task.status} />
          <span className="wide small-text quiet-text">
            {since(task)}
            {task.reason && <> · {task.reason}</>}
          </span>
        </li>
      ))}
    </ul>
  );

/** Maximum rows of a card; the figures above have the counts, and the list of tasks has the others. */
const shown = 8;

interface NowCardsProps {
  readonly projectId: string;
  readonly live: LiveTasks;
  /** Newest first. */
  readonly failures: readonly Listed[];
  readonly runners: readonly Runner[];
}

export const NowCards = ({ projectId, live, failures, runners }: NowCardsProps): ReactNode => {
  const awake = live.awake.first;
  const others = runners.filter((runner) => !awake.some(({ id }) => id === runner.id));
  return (
    <div className="cards four">
      <Card title="Running">
        <TaskRows
          tasks={live.running}
          none="No running task."
          since={(task) => (
            <>
              for <Duration from={task.startedAt ?? task.claimedAt ?? task.createdAt} /> · {task.createdBy}
            </>
          )}
        />
      </Card>
      <Card
        title="Waiting, and why"
        actions={
          live.counts.waiting > shown && (
            <Link
              to="/projects/$projectId/tasks"
              params={{ projectId }}
              search={{ status: 'waiting' }}
              className="small-text"
            >
              All that wait
            </Link>
          )
        }
      >
        <TaskRows
          tasks={live.waiting}
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
        <RunnerRows runners={[...awake, ...others]} projectId={projectId} />
      </Card>
    </div>
  );
};

interface RunnerRowsProps {
  readonly runners: readonly Runner[];
  readonly projectId: string;
}

/** Runners, those with something under way first. */
const RunnerRows = ({ runners, projectId }: RunnerRowsProps): ReactNode =>
  runners.length === 0 ? (
    <p className="quiet-text">This project has no runner of its own.</p>
  ) : (
    <ul className="rows">
      {[...runners]
        .sort((a, b) => Number(runnerState(b)[2]) - Number(runnerState(a)[2]))
        .slice(0, shown)
        .map((runner) => (
          <li key={runner.id}>
            <Link to="/projects/$projectId/runners/$runnerId" params={{ projectId, runnerId: runner.id }}>
              {runner.name}
            </Link>
            <RunnerBadge runner={runner} />
          </li>
        ))}
    </ul>
  );
