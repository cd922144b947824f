/** Schedules of a project. */
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { schedules } from '../../../protocol/endpoints/schedules.ts';
import type { Schedule, ScheduleOutcome } from '../../../protocol/index.ts';
import { templateChoices } from '../../data/choices.ts';
import { isUnderway } from '../../data/starts.ts';
import { NameOf } from '../../shared/name-of.tsx';
import { type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { Badge, TaskBadge } from '../../ui/badge.tsx';
import { Ago, Moment } from '../../ui/time.tsx';
import { BeyondBadge } from '../templates/launch-fields.tsx';
import {
  emptySchedule,
  type ScheduleDraft,
  ScheduleFields,
  scheduleDraft,
  scheduleInput,
  withoutAnswers,
} from './schedule-form.tsx';

const outcomes: Readonly<Record<ScheduleOutcome, string>> = {
  started: 'Started',
  inactive: 'Was inactive',
  outdated: 'Was changed',
  refused: 'Refused',
  failed: 'Failed',
};

const NextRun = ({ schedule }: { readonly schedule: Schedule }): ReactNode => {
  const { active, nextRuns, pending } = schedule;
  const [next] = nextRuns;
  if (!active) return <Badge tone="idle">Inactive</Badge>;
  return (
    <>
      {next === undefined ? <Badge tone="idle">Ended</Badge> : <Ago at={next} />}
      {next !== undefined && (
        <span className="sub">
          <Moment at={next} />
        </span>
      )}
      {pending !== undefined && (
        <>
          <Badge tone="warn">Pending</Badge>
          <span className="sub">{pending}</span>
        </>
      )}
    </>
  );
};

const LastRun = ({ schedule: { projectId, lastRun } }: { readonly schedule: Schedule }): ReactNode => {
  if (!lastRun) return <span className="quiet-text">not yet</span>;
  const { at, outcome, detail, taskId, taskStatus } = lastRun;
  return (
    <>
      {taskId ? (
        <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId }}>
          {taskStatus ? <TaskBadge status={taskStatus} /> : outcomes[outcome]}
        </Link>
      ) : (
        <Badge tone={outcome === 'refused' || outcome === 'failed' ? 'bad' : 'idle'}>
          {outcomes[outcome]}
        </Badge>
      )}
      <span className="sub">
        <Ago at={at} />
        {!taskId && `: ${detail}`}
      </span>
    </>
  );
};

const kind: Kind<Schedule, ScheduleDraft> = {
  one: 'schedule',
  title: 'Schedules',
  icon: 'schedules',
  lead: 'Templates that start by the clock: a cron expression, a time zone and a template.',
  purpose:
    'A schedule starts a template automatically, each night or each Monday, through summer time and winter time.',
  endpoints: schedules,
  isLive: isUnderway,
  columns: [
    {
      header: 'Name',
      render: ({ projectId, templateId, beyondLaunchOptions }) => (
        <>
          <span className="sub">
            <NameOf choices={templateChoices(projectId)} id={templateId} />
          </span>
          <BeyondBadge options={beyondLaunchOptions} />
        </>
      ),
    },
    {
      header: 'When',
      from: 'tablet',
      render: ({ cron, timeZone }) => (
        <>
          <code>{cron}</code>
          <span className="sub">{timeZone}</span>
        </>
      ),
    },
    { header: 'Next run', render: (schedule) => <NextRun schedule={schedule} /> },
    { header: 'Last run', render: (schedule) => <LastRun schedule={schedule} /> },
  ],
  emptyDraft: emptySchedule(),
  draftOf: scheduleDraft,
  inputOf: scheduleInput,
  Fields: ScheduleFields,
  stripCopy: withoutAnswers,
  deletionNote: 'This cannot be undone. The tasks that it started stay.',
};

export const SchedulesPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/schedules' });
  return <ResourcePage kind={kind} projectId={projectId} />;
};
