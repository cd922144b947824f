/** Queries of the pages, each with its cache key and poll interval. */
import { queryOptions } from '@tanstack/react-query';
import { pathOf, type Query } from '../../protocol/endpoints/call.ts';
import { listInvitations } from '../../protocol/endpoints/invitations.ts';
import { listMembers, listUsers } from '../../protocol/endpoints/members.ts';
import { getTask, listTasks } from '../../protocol/endpoints/tasks.ts';
import { listDeliveries } from '../../protocol/endpoints/webhooks.ts';
import { type Delivery, hasEnded, type Task } from '../../protocol/index.ts';
import { list, pages } from './list.ts';
import { adaptive } from './polling.ts';
import { call, reading } from './request.ts';

/** Returns true while the task waits for a runner and this attempt has no output. */
export const isWaiting = ({ status }: Pick<Task, 'status'>): boolean => status === 'waiting';

export const membersQuery = (projectId: string) => list(reading(listMembers, { params: { projectId } }));
export const invitationsQuery = (projectId: string) =>
  list(reading(listInvitations, { params: { projectId } }));
export const usersQuery = list(reading(listUsers, {}));

export const taskPages = (projectId: string, query: Query) =>
  pages<Task>(
    (asked) => reading(listTasks, { params: { projectId }, query: asked }),
    query,
    ({ status }) => !hasEnded(status),
  );

export const taskQuery = (projectId: string, taskId: string) =>
  queryOptions({
    queryKey: [pathOf(listTasks, { projectId }), taskId],
    queryFn: ({ signal }) => call(getTask, { params: { projectId, taskId } }, { signal }),
    refetchInterval: adaptive<Task>(({ status }) => !hasEnded(status), isWaiting),
  });

export const deliveryPages = (projectId: string, status?: Delivery['status']) =>
  pages<Delivery>(
    (query) => reading(listDeliveries, { params: { projectId }, query }),
    { status },
    (one) => one.status === 'pending',
  );
