/** Tasks of a project, newest first. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { taskStatus } from '../../../protocol/index.ts';
import { runnerChoices, tagChoices, templateChoices } from '../../data/choices.ts';
import { membersQuery, taskPages } from '../../data/queries.ts';
import { useMay, useMe } from '../../data/session.ts';
import { ChoiceFilter, SearchFilter, SelectFilter } from '../../shared/filters.tsx';
import { Paged } from '../../shared/paged.tsx';
import { usePages } from '../../shared/use-pages.ts';
import { taskStatusText } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Page } from '../../ui/page.tsx';
import { taskColumns } from './task-columns.tsx';

/** Forms and dialogs load when they are first opened. */
const RunTask = lazy(async () => ({ default: (await import('./run-task.tsx')).RunTask }));

const route = '/signed-in/projects/$projectId/tasks';

export const TasksPage = (): ReactNode => {
  const { projectId } = useParams({ from: route });
  // By name: the address may hold more, which the API would refuse.
  const { q, status, templateId, runnerId, createdBy, tag } = useSearch({ from: route });
  const filters = { status, templateId, runnerId, createdBy, tag };
  const navigate = useNavigate({ from: '/projects/$projectId/tasks' });
  const { name } = useMe();
  const mayRun = useMay(projectId, 'task_runner');
  const [isStarting, setStarting] = useState(false);
  const tasks = usePages(taskPages(projectId, { ...filters, search: q }));
  const { data: templates } = useQuery(templateChoices(projectId).matching(''));
  const { data: members = [] } = useQuery(membersQuery(projectId));
  const isFiltered = Object.values({ q, ...filters }).some((value) => value !== undefined);
  // Filters are in the address: they survive a reload and can be shared.
  const filter = (change: object) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const people = new Set([
    name,
    ...members.map((member) => member.name),
    ...(tasks.data ?? []).map(({ createdBy }) => createdBy),
  ]);
  const run = mayRun && templates && templates.items.length > 0 && (
    <Button look="primary" icon="play" onPress={() => setStarting(true)}>
      Run a task
    </Button>
  );
  return (
    <Page title="Tasks" actions={run}>
      <search className="filters">
        <SearchFilter
          label="Search tasks"
          placeholder="Template, message, person, commit"
          value={q}
          onChange={(typed) => filter({ q: typed })}
        />
        <SelectFilter
          label="Status"
          value={filters.status}
          onChange={(status) => filter({ status })}
          options={taskStatus.options.map((value) => ({ value, label: taskStatusText(value) }))}
        />
        <ChoiceFilter
          label="Template"
          value={filters.templateId}
          onChange={(templateId) => filter({ templateId })}
          choices={templateChoices(projectId)}
        />
        <SelectFilter
          label="Started by"
          value={filters.createdBy}
          onChange={(createdBy) => filter({ createdBy })}
          options={[...people].sort().map((one) => ({ value: one, label: one }))}
        />
        <ChoiceFilter
          label="Runner"
          value={filters.runnerId}
          onChange={(runnerId) => filter({ runnerId })}
          choices={runnerChoices(projectId)}
        />
        <ChoiceFilter
          label="Tag"
          value={filters.tag}
          onChange={(tag) => filter({ tag })}
          choices={tagChoices(projectId)}
        />
      </search>
      <Paged
        list={tasks}
        one="task"
        many="tasks"
        isFiltered={isFiltered}
        empty={
          <Empty icon="tasks" title="No task yet" action={run}>
            A task is one run of a template. It wakes a runner, runs there, and shows its log here while it
            grows.
          </Empty>
        }
        label="Tasks"
        columns={taskColumns}
      />
      <Suspense>
        {isStarting && <RunTask projectId={projectId} onClose={() => setStarting(false)} />}
      </Suspense>
    </Page>
  );
};
