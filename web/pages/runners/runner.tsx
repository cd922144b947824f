/** One runner: its state, its settings, and its day. */
import { useSuspenseQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Runner } from '../../../protocol/index.ts';
import { runnerQuery } from '../../data/runners.ts';
import { RunnerBadge } from '../../shared/runner-badge.tsx';
import { Tags } from '../../ui/badge.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Ago, Moment } from '../../ui/time.tsx';
import { DayTimeline } from './day-timeline.tsx';
import { idleText } from './idle-text.ts';
import { RunnerActs } from './runner-acts.tsx';

export const RunnerPage = (): ReactNode => {
  const { projectId, runnerId } = useParams({ from: '/signed-in/projects/$projectId/runners/$runnerId' });
  return <RunnerView projectId={projectId} runnerId={runnerId} />;
};

export const GlobalRunnerPage = (): ReactNode => {
  const { runnerId } = useParams({ from: '/signed-in/runners/$runnerId' });
  return <RunnerView projectId={undefined} runnerId={runnerId} />;
};

interface RunnerViewProps {
  readonly projectId: string | undefined;
  readonly runnerId: string;
}

const RunnerView = ({ projectId, runnerId }: RunnerViewProps): ReactNode => {
  const { data: runner } = useSuspenseQuery(runnerQuery(projectId, runnerId));
  const navigate = useNavigate();
  const goBack = () =>
    projectId
      ? navigate({ to: '/projects/$projectId/runners', params: { projectId } })
      : navigate({ to: '/runners' });
  return (
    <Page
      title={runner.name}
      badge={<RunnerBadge runner={runner} />}
      back={
        projectId ? (
          <Link to="/projects/$projectId/runners" params={{ projectId }}>
            Runners
          </Link>
        ) : (
          <Link to="/runners">Global runners</Link>
        )
      }
      actions={<RunnerActs runner={runner} projectId={projectId} onDeleted={goBack} hasButtons />}
    >
      {runner.tasksShareUser && (
        <Notice kind="warn">
          Tasks can read this agent’s key: they run as the same user. Install the agent as root, with users
          for tasks.
        </Notice>
      )}
      {runner.fault && (
        <Notice kind={runner.quarantinedAt ? 'bad' : 'warn'}>
          {runner.fault.detail} <Moment at={runner.fault.at} />
        </Notice>
      )}
      {runner.queuesFrom && (
        <Notice kind="warn">
          The queue of one of its tags was removed a moment ago, and SQS refuses the name until{' '}
          <Moment at={runner.queuesFrom} />. It is created within a minute after that.
        </Notice>
      )}
      <DayTimeline projectId={projectId} runner={runner} />
      <div className="cards">
        <Card title="Now">
          <dl className="facts">
            <dt>Since</dt>
            <dd>
              <Ago at={runner.statusSince} />
            </dd>
            <dt>Holds</dt>
            <dd>
              <TaskLinks ids={runner.slots} projectId={projectId} none="no task" />
            </dd>
            <dt>Waiting tasks</dt>
            <dd>
              <TaskLinks ids={runner.assigned} projectId={projectId} none="none" />
            </dd>
            <dt>Last heartbeat</dt>
            <dd>{runner.heartbeatAt ? <Ago at={runner.heartbeatAt} /> : 'never'}</dd>
            {runner.session && (
              <>
                <dt>Instance on</dt>
                <dd>
                  since <Moment at={runner.session.startedAt} />
                </dd>
              </>
            )}
          </dl>
        </Card>
        <Card title="Settings">
          <dl className="facts">
            <dt>Tags</dt>
            <dd>
              <Tags tags={runner.tags} />
            </dd>
            <dt>Tasks at a time</dt>
            <dd>{runner.maxParallelTasks === 0 ? 'no limit' : runner.maxParallelTasks}</dd>
            <dt>Idle timeout</dt>
            <dd>{idleText(runner.idleTimeoutMs)}</dd>
            <dt>Instance</dt>
            <dd>{instanceText(runner)}</dd>
            {runner.webhookUrl && (
              <>
                <dt>Webhook URL</dt>
                <dd>{runner.webhookUrl}</dd>
              </>
            )}
            <dt>Agent</dt>
            <dd>{runner.agentVersion ?? 'not seen yet'}</dd>
            <dt>Id</dt>
            <dd className="mono">{runner.id}</dd>
          </dl>
        </Card>
      </div>
    </Page>
  );
};

const instanceText = ({ instanceId, instanceType, market, region, fleet }: Runner): string => {
  if (instanceId !== undefined)
    return [instanceId, instanceType, market, region ?? 'in the stack’s region'].filter(Boolean).join(' · ');
  return fleet === undefined
    ? 'none: powered externally'
    : `none: the fleet ${fleet} launches one with the next task`;
};

interface TaskLinksProps {
  readonly ids: readonly string[];
  readonly projectId: string | undefined;
  readonly none: string;
}

/**
 * Links to the tasks that the runner holds. A global runner holds tasks of any project and does not show
 * which.
 */
const TaskLinks = ({ ids, projectId, none }: TaskLinksProps): ReactNode => {
  if (ids.length === 0) return <span className="quiet-text">{none}</span>;
  return (
    <ul>
      {ids.map((taskId) => (
        <li key={taskId} className="mono">
          {projectId ? (
            <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId }}>
              {taskId}
            </Link>
          ) : (
            taskId
          )}
        </li>
      ))}
    </ul>
  );
};
