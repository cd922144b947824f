/** What goes on in a project now. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { projectsQuery, runnersQuery, tasksQuery } from '../client/queries.ts';
import { TaskTable } from '../parts/task-table.tsx';
import { Page } from '../ui/page.tsx';

export const DashboardPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId' });
  const { data: projects = [] } = useQuery(projectsQuery);
  const { data: runners = [] } = useQuery(runnersQuery(projectId));
  const { data } = useInfiniteQuery(tasksQuery(projectId, { limit: 10 }));
  const tasks = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Page title={projects.find(({ id }) => id === projectId)?.name ?? 'Dashboard'}>
      <TaskTable tasks={tasks} runnerNames={new Map(runners.map(({ id, name }) => [id, name]))} />
    </Page>
  );
};
