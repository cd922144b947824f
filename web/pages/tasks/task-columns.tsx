/** Columns of a list of tasks. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { hasEnded, type Task } from '../../../protocol/index.ts';
import { Tags, TaskBadge } from '../../ui/badge.tsx';
import { Money } from '../../ui/money.tsx';
import type { Column } from '../../ui/table/table.tsx';
import { Ago, Duration } from '../../ui/time.tsx';

export const TaskLink = ({
  task,
  children,
}: {
  readonly task: Pick<Task, 'id' | 'projectId'>;
  readonly children: ReactNode;
}): ReactNode => (
  <Link
    to="/projects/$projectId/tasks/$taskId"
    params={{ projectId: task.projectId, taskId: task.id }}
    search={{}}
  >
    {children}
  </Link>
);

const waited = (task: Task): ReactNode => {
  const until = task.startedAt ?? task.claimedAt ?? task.finishedAt;
  return until === undefined && hasEnded(task.status) ? '–' : <Duration from={task.createdAt} to={until} />;
};

const ran = (task: Task): ReactNode =>
  task.startedAt ? <Duration from={task.startedAt} to={task.finishedAt} /> : '–';

const commitColumn: Column<Task> = {
  header: 'Commit',
  from: 'desktop',
  render: ({ commit }) =>
    commit ? (
      <span className="mono" title={commit.message}>
        {commit.hash.slice(0, 8)}
      </span>
    ) : (
      <span className="quiet-text">–</span>
    ),
};

export const taskColumns = (tasks: readonly Task[]): Column<Task>[] => [
  {
    header: 'Task',
    render: (task) => (
      <>
        <TaskLink task={task}>{task.templateName}</TaskLink>
        <span className="sub">{task.message ?? task.commit?.message}</span>
        <span className="sub on-phone">
          {task.createdBy}, <Ago at={task.createdAt} />
        </span>
      </>
    ),
  },
  {
    header: 'Status',
    render: (task) => (
      <>
        <TaskBadge status={task.status} />
        {task.attempt > 1 && <span className="sub">attempt {task.attempt}</span>}
        {task.reason && task.status !== 'success' && <span className="sub reason">{task.reason}</span>}
      </>
    ),
  },
  {
    header: 'By',
    from: 'tablet',
    render: ({ createdBy, createdAt }) => (
      <>
        {createdBy}
        <span className="sub">
          <Ago at={createdAt} />
        </span>
      </>
    ),
  },
  {
    header: 'Runner',
    from: 'desktop',
    render: ({ runnerId, runnerName = 'a global runner', tag }) => (
      <>
        {runnerId === undefined ? (
          <span className="quiet-text">–</span>
        ) : (
          <span className="num">{runnerName}</span>
        )}
        {tag && (
          <span className="sub">
            <Tags tags={[tag]} />
          </span>
        )}
      </>
    ),
  },
  ...(tasks.some(({ commit }) => commit !== undefined) ? [commitColumn] : []),
  { header: 'Waited', align: 'right', from: 'tablet', render: waited },
  { header: 'Ran', align: 'right', from: 'tablet', render: ran },
  {
    header: 'Cost',
    align: 'right',
    from: 'desktop',
    render: ({ costMicroUsd }) => <Money microUsd={costMicroUsd} />,
  },
];
