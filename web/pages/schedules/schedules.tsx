/** Schedules of a project. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { schedules } from '../../../protocol/endpoints/schedules.ts';
import type { Schedule, ScheduleOutcome } from '../../../protocol/index.ts';
import { templatesQuery } from '../../data/queries.ts';
import { schedulesQuery } from '../../data/starts.ts';
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

const kindWith = (nameOf: (templateId: string) => string): Kind<Schedule, ScheduleDraft> => ({
  one: 'schedule',
  title: 'Schedules',
  icon: 'schedules',
  lead: 'Templates that start by the clock: a cron expression, a time zone and a template.',
  purpose:
    'A schedule starts a template automatically, each night or each Monday, through summer time and winter time.',
  endpoints: schedules,
  query: schedulesQuery,
  columns: [
    {
      header: 'Name',
      render: ({ templateId, beyondLaunchOptions }) => (
        <>
          <span className="sub">{nameOf(templateId)}</span>
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
});

export const SchedulesPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/schedules' });
  const { data: templates } = useQuery(templatesQuery(projectId));
  const kind = useMemo(
    () => kindWith((id) => templates?.find((template) => template.id === id)?.name ?? ''),
    [templates],
  );
  return <ResourcePage kind={kind} projectId={projectId} />;
};
