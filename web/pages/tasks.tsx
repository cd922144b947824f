/** The tasks of a project, newest first. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { type Task, taskStatus } from '../../protocol/index.ts';
import { messageOf } from '../client/problem-text.ts';
import { runnersQuery, tasksQuery, templatesQuery } from '../client/queries.ts';
import { useMay } from '../client/session.ts';
import { TaskTable } from '../parts/task-table.tsx';
import { Loading } from '../shell/loading.tsx';
import { taskStatusText } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';

/** Forms and dialogs are not needed before somebody wants one. */
const RunTask = lazy(async () => ({ default: (await import('../parts/run-task.tsx')).RunTask }));

const route = '/signed-in/projects/$projectId/tasks';

interface FilterProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string | undefined) => void;
}

const Filter = ({ label, value = '', options, onChange }: FilterProps): ReactNode => (
  <select aria-label={label} value={value} onChange={({ target }) => onChange(target.value || undefined)}>
    <option value="">{label}: all</option>
    {options.map((option) => (
      <option key={option.value} value={option.value}>
        {option.label}
      </option>
    ))}
  </select>
);

const matches = (task: Task, text: string): boolean =>
  [
    task.templateName,
    task.message,
    task.createdBy,
    task.commit?.hash,
    task.commit?.message,
    task.tag,
    task.id,
  ].some((field) => field?.toLowerCase().includes(text));

export const TasksPage = (): ReactNode => {
  const { projectId } = useParams({ from: route });
  const { q = '', ...filters } = useSearch({ from: route });
  const navigate = useNavigate({ from: '/projects/$projectId/tasks' });
  const mayRun = useMay(projectId, 'task_runner');
  const [isStarting, setStarting] = useState(false);
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    tasksQuery(projectId, filters),
  );
  const { data: templates = [] } = useQuery(templatesQuery(projectId));
  const { data: known } = useQuery(runnersQuery(projectId));
  const runners = known ?? [];
  const all = data?.pages.flatMap(({ items }) => items) ?? [];
  const tasks = q === '' ? all : all.filter((task) => matches(task, q.toLowerCase()));
  const isFiltered = q !== '' || Object.values(filters).some((value) => value !== undefined);
  const filter = (change: object) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const run = mayRun && templates.length > 0 && (
    <Button look="primary" icon="play" onPress={() => setStarting(true)}>
      Run a task
    </Button>
  );
  return (
    <Page title="Tasks" actions={run}>
      <search className="filters">
        <input
          className="search"
          type="search"
          aria-label="Search tasks"
          placeholder="Search message, person, commit"
          value={q}
          onChange={({ target }) => filter({ q: target.value || undefined })}
        />
        <Filter
          label="Status"
          value={filters.status}
          onChange={(status) => filter({ status })}
          options={taskStatus.options.map((value) => ({ value, label: taskStatusText(value) }))}
        />
        <Filter
          label="Template"
          value={filters.templateId}
          onChange={(templateId) => filter({ templateId })}
          options={templates.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <Filter
          label="Runner"
          value={filters.runnerId}
          onChange={(runnerId) => filter({ runnerId })}
          options={runners.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <Filter
          label="Tag"
          value={filters.tag}
          onChange={(tag) => filter({ tag })}
          options={[...new Set(runners.flatMap(({ tags }) => tags))].map((tag) => ({
            value: tag,
            label: tag,
          }))}
        />
      </search>
      {error && <Notice kind="bad">{messageOf(error)}</Notice>}
      {!data && !error && <Loading />}
      {tasks.length > 0 && (
        <TaskTable tasks={tasks} runnerNames={known && new Map(known.map(({ id, name }) => [id, name]))} />
      )}
      {data &&
        tasks.length === 0 &&
        (isFiltered || hasNextPage ? (
          <Empty icon="search" title="No such task here">
            Nothing among the tasks that were looked through. {hasNextPage && 'There are older ones.'}
          </Empty>
        ) : (
          <Empty icon="tasks" title="No task yet" action={run}>
            A task is one run of a template. It wakes a runner, runs there, and shows its log here while it
            grows.
          </Empty>
        ))}
      {hasNextPage && (
        <div className="table-foot">
          <Button onPress={() => fetchNextPage()} isPending={isFetchingNextPage}>
            Show older tasks
          </Button>
        </div>
      )}
      <Suspense>
        {isStarting && <RunTask projectId={projectId} onClose={() => setStarting(false)} />}
      </Suspense>
    </Page>
  );
};
