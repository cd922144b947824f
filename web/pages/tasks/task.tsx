/** One task: its timeline, why it waits, its log, and its result. */
import { useSuspenseQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { givenValue, hasEnded, type LaunchOption, type Task } from '../../../protocol/index.ts';
import { environmentChoices, inventoryChoices } from '../../data/choices.ts';
import { isWaiting, taskQuery } from '../../data/queries.ts';
import { NameOf } from '../../shared/name-of.tsx';
import { Tags, TaskBadge, taskStatusSentence } from '../../ui/badge.tsx';
import { Money } from '../../ui/money.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Ago, Duration } from '../../ui/time.tsx';
import { launchNames, textOf } from '../templates/launch-draft.ts';
import { HostSummary } from './host-summary.tsx';
import { LogView } from './log/log-view.tsx';
import { TaskActs } from './task-acts.tsx';
import { TaskTimeline } from './timeline.tsx';

const route = '/signed-in/projects/$projectId/tasks/$taskId';

export const TaskPage = (): ReactNode => {
  const { projectId, taskId } = useParams({ from: route });
  const { attempt: wanted } = useSearch({ from: route });
  const { data: task } = useSuspenseQuery(taskQuery(projectId, taskId));
  const attempt = Math.min(wanted ?? task.attempt, task.attempt);
  const isOver = hasEnded(task.status);
  return (
    <Page
      title={task.templateName}
      badge={<TaskBadge status={task.status} />}
      lead={task.message}
      back={
        <Link to="/projects/$projectId/tasks" params={{ projectId }}>
          Tasks
        </Link>
      }
      actions={<TaskActs task={task} />}
    >
      <p className="only-heard" role="status">
        {taskStatusSentence(task.status)}
      </p>
      <TaskTimeline task={task} />
      <Reason task={task} />
      {task.hosts && task.hosts.length > 0 && <HostSummary hosts={task.hosts} />}
      {task.attempt > 1 && <Attempts count={task.attempt} shown={attempt} />}
      <LogView
        key={`${taskId} ${attempt}`}
        projectId={projectId}
        taskId={taskId}
        attempt={attempt}
        hasBegun={attempt < task.attempt || !isWaiting(task)}
        isLive={!isOver && attempt === task.attempt}
      />
      <Facts task={task} />
    </Page>
  );
};

const Reason = ({ task }: { readonly task: Task }): ReactNode => {
  if (task.status === 'waiting_confirmation') {
    return <Notice kind="info">The plan is in the log. Confirm it to have it applied, or reject it.</Notice>;
  }
  if (!task.reason) return null;
  return <Notice kind={task.status === 'error' ? 'bad' : 'warn'}>{task.reason}</Notice>;
};

const Attempts = ({ count, shown }: { readonly count: number; readonly shown: number }): ReactNode => {
  const navigate = useNavigate({ from: '/projects/$projectId/tasks/$taskId' });
  return (
    <fieldset className="row">
      <legend className="only-heard">Attempts</legend>
      {Array.from({ length: count }, (_, index) => index + 1).map((attempt) => (
        <button
          key={attempt}
          type="button"
          className="button small"
          aria-pressed={attempt === shown}
          onClick={() =>
            navigate({ search: { attempt: attempt === count ? undefined : attempt }, replace: true })
          }
        >
          Attempt {attempt}
        </button>
      ))}
    </fieldset>
  );
};

const Facts = ({ task }: { readonly task: Task }): ReactNode => {
  const { runnerId, runnerName } = task;
  return (
    <Card title="About">
      <dl className="facts wide-facts">
        <dt>Started by</dt>
        <dd>
          {task.createdBy}, <Ago at={task.createdAt} />
        </dd>
        <dt>Runner</dt>
        <dd>
          {runnerId && runnerName ? (
            <Link
              to="/projects/$projectId/runners/$runnerId"
              params={{ projectId: task.projectId, runnerId }}
            >
              {runnerName}
            </Link>
          ) : (
            (runnerId && 'a global runner') || 'none yet'
          )}{' '}
          {task.tag && <Tags tags={[task.tag]} />}
        </dd>
        <dt>Waited</dt>
        <dd>
          <Duration from={task.createdAt} to={task.startedAt ?? task.finishedAt} />
        </dd>
        {task.startedAt && (
          <>
            <dt>Ran</dt>
            <dd>
              <Duration from={task.startedAt} to={task.finishedAt} />
              {task.exitCode !== undefined && `, exit code ${task.exitCode}`}
            </dd>
          </>
        )}
        <dt>Cost</dt>
        <dd>
          <Money microUsd={task.costMicroUsd} />
        </dd>
        {task.commit && (
          <>
            <dt>Commit</dt>
            <dd>
              <span className="mono" title={task.commit.hash}>
                {task.commit.hash.slice(0, 12)}
              </span>{' '}
              {task.commit.message}
            </dd>
          </>
        )}
        {(task.changed ?? []).map((option) => (
          <Changed key={option} option={option} task={task} />
        ))}
        {Object.entries(task.survey ?? {}).map(([name, value]) => (
          <SurveyAnswer key={name} name={name} value={String(value)} />
        ))}
      </dl>
    </Card>
  );
};

/** Value given at the start that differs from the template's. */
const Changed = ({ option, task }: { readonly option: LaunchOption; readonly task: Task }): ReactNode => {
  const text = textOf(option, givenValue(task, option));
  return (
    <>
      <dt>{launchNames[option]} (changed)</dt>
      <dd>
        {option === 'inventory' ? (
          <NameOf choices={inventoryChoices(task.projectId)} id={text} />
        ) : option === 'environment' ? (
          <NameOf choices={environmentChoices(task.projectId)} id={text} />
        ) : (
          text
        )}
      </dd>
    </>
  );
};

const SurveyAnswer = ({ name, value }: { readonly name: string; readonly value: string }): ReactNode => (
  <>
    <dt className="mono">{name}</dt>
    <dd>{value}</dd>
  </>
);
