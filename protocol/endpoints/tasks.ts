/** Endpoints of tasks and their logs. */
import * as z from 'zod';
import { page } from '../common.ts';
import { downloadQuery, logPage, logQuery } from '../log.ts';
import { task, taskInput, taskQuery } from '../task.ts';
import { answer, created, endpoint, jsonBody } from './endpoint.ts';
import { inProject, inTask } from './params.ts';
import { keyHeaders } from './patience.ts';

export const startTask = endpoint({
  operationId: 'startTask',
  method: 'post',
  path: '/api/projects/{projectId}/tasks',
  access: 'task_runner',
  tag: 'Tasks',
  summary: 'Start a task from a template',
  description: 'A client that gets no answer, or 503, may repeat the call with the same `Idempotency-Key`.',
  request: { params: inProject, headers: keyHeaders, body: jsonBody(taskInput) },
  responses: { 201: created('The new task', task) },
  problems: ['invalid_reference'],
});

export const listTasks = endpoint({
  operationId: 'listTasks',
  method: 'get',
  path: '/api/projects/{projectId}/tasks',
  access: 'guest',
  tag: 'Tasks',
  summary: "List a project's tasks, newest first",
  description:
    'With filters or `search`, at most about 2,000 tasks are examined for a page, so it may hold fewer than `limit`, or none, while there are older ones: continue as long as there is a `nextCursor`.',
  request: { params: inProject, query: taskQuery },
  responses: { 200: answer('A page of tasks', page(task)) },
});

export const getTask = endpoint({
  operationId: 'getTask',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}',
  access: 'guest',
  tag: 'Tasks',
  summary: 'Get a task, with the reason of its wait and its cost so far',
  request: { params: inTask },
  responses: { 200: answer('The task', task) },
});

export const stopTask = endpoint({
  operationId: 'stopTask',
  method: 'post',
  path: '/api/projects/{projectId}/tasks/{taskId}/stop',
  access: 'task_runner',
  tag: 'Tasks',
  summary: 'Stop a task',
  description: 'A waiting task ends at once; a running one is `stopping` until its agent has ended it.',
  request: { params: inTask },
  responses: { 200: answer('The task after the change', task) },
  problems: ['already_ended'],
});

export const readLog = endpoint({
  operationId: 'readLog',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}/log',
  access: 'guest',
  tag: 'Tasks',
  summary: "Read a task's log from an offset",
  description: 'Continue from `nextOffset` until `complete`. A lost attempt keeps its log.',
  request: { params: inTask, query: logQuery },
  responses: { 200: answer('The log from that offset', logPage) },
});

export const downloadLog = endpoint({
  operationId: 'downloadLog',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}/log/download',
  access: 'guest',
  tag: 'Tasks',
  summary: "Download a task's log as a gzip file",
  description:
    'Compressed plain text. A log of more than 3 MiB compressed comes in parts: as long as an answer has a `Link` with `rel="next"`, follow it and append the next part; together they are one gzip file. For a running task, the log so far.',
  request: { params: inTask, query: downloadQuery },
  responses: {
    200: {
      description: 'The file or a part of it',
      content: { 'application/gzip': { schema: z.string().meta({ format: 'binary' }) } },
    },
  },
});

export const confirmTask = endpoint({
  operationId: 'confirmTask',
  method: 'post',
  path: '/api/projects/{projectId}/tasks/{taskId}/confirm',
  access: 'task_runner',
  tag: 'Tasks',
  summary: 'Confirm a task that waits for confirmation',
  request: { params: inTask },
  responses: { 200: answer('The task after the change', task) },
  problems: ['not_waiting_confirmation', 'another_person_needed'],
});

export const rejectTask = endpoint({
  operationId: 'rejectTask',
  method: 'post',
  path: '/api/projects/{projectId}/tasks/{taskId}/reject',
  access: 'task_runner',
  tag: 'Tasks',
  summary: 'Reject a task that waits for confirmation: it ends',
  request: { params: inTask },
  responses: { 200: answer('The task after the change', task) },
  problems: ['not_waiting_confirmation', 'another_person_needed'],
});
