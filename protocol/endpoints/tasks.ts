/** Endpoints of tasks, their logs, and the views over them. */
import * as z from 'zod';
import { page } from '../common.ts';
import { dashboard, dashboardQuery, liveTasks, routing, routingQuery, trip } from '../insight.ts';
import { downloadQuery, logPage, logQuery } from '../log.ts';
import { task, taskInput, taskQuery } from '../task.ts';
import { answer, created, endpoint, jsonBody } from './endpoint.ts';
import { inProject, inTask } from './params.ts';

export const startTask = endpoint({
  operationId: 'startTask',
  method: 'post',
  path: '/api/projects/{projectId}/tasks',
  access: 'task_runner',
  tag: 'Tasks',
  summary: 'Start a task from a template',
  request: { params: inProject, body: jsonBody(taskInput) },
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
    'With filters or `search`, some 2,000 tasks are looked through for a page, so it may hold fewer than `limit`, or none, while there are older ones: go on as long as there is a `nextCursor`.',
  request: { params: inProject, query: taskQuery },
  responses: { 200: answer('A page of tasks', page(task)) },
});

export const getTask = endpoint({
  operationId: 'getTask',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}',
  access: 'guest',
  tag: 'Tasks',
  summary: 'Get a task, with why it waits and what it cost so far',
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
  description: 'A waiting task ends at once; one that runs is `stopping` until its agent has ended it.',
  request: { params: inTask },
  responses: { 200: answer('The task as it is now', task) },
  problems: ['already_ended'],
});

export const getRouting = endpoint({
  operationId: 'getRouting',
  method: 'get',
  path: '/api/projects/{projectId}/routing',
  access: 'guest',
  tag: 'Tasks',
  summary: 'Which runner would take a task now, and why',
  request: { params: inProject, query: routingQuery },
  responses: { 200: answer('The route', routing) },
  problems: ['invalid_reference'],
});

export const getTrip = endpoint({
  operationId: 'getTrip',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}/trip',
  access: 'guest',
  tag: 'Tasks',
  summary: 'How a task came about, step by step with times',
  request: { params: inTask },
  responses: { 200: answer('The trip of its last attempt', trip) },
});

export const getLiveTasks = endpoint({
  operationId: 'getLiveTasks',
  method: 'get',
  path: '/api/projects/{projectId}/live',
  access: 'guest',
  tag: 'Tasks',
  summary: 'What runs, and what waits and why',
  request: { params: inProject },
  responses: { 200: answer('All that has not ended', liveTasks) },
});

export const getDashboard = endpoint({
  operationId: 'getDashboard',
  method: 'get',
  path: '/api/projects/{projectId}/dashboard',
  access: 'guest',
  tag: 'Projects',
  summary: 'What failed, what was spent and saved, and how it went day by day',
  description: 'Reads the tasks of all these days. What runs and waits now is asked for apart.',
  request: { params: inProject, query: dashboardQuery },
  responses: { 200: answer('The dashboard', dashboard) },
});

export const readLog = endpoint({
  operationId: 'readLog',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}/log',
  access: 'guest',
  tag: 'Tasks',
  summary: "Read a task's log from an offset",
  description: 'Ask again from `nextOffset` until `complete`. An attempt that was lost keeps its log.',
  request: { params: inTask, query: logQuery },
  responses: { 200: answer('What there is from that offset on', logPage) },
});

export const downloadLog = endpoint({
  operationId: 'downloadLog',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}/log/download',
  access: 'guest',
  tag: 'Tasks',
  summary: "Download a task's log as a gzip file",
  description:
    'Plain text, compressed. A log of more than 3 MiB compressed comes in parts: as long as the answer has a `Link` with `rel="next"`, follow it; the parts, one after the other, are one gzip file. Of a task that runs, what there is by now.',
  request: { params: inTask, query: downloadQuery },
  responses: {
    200: {
      description: 'The file, or a part of it',
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
  summary: 'Let a task that waits for confirmation go on',
  request: { params: inTask },
  responses: { 200: answer('The task as it is now', task) },
  problems: ['not_waiting_confirmation', 'another_person_needed'],
});

export const rejectTask = endpoint({
  operationId: 'rejectTask',
  method: 'post',
  path: '/api/projects/{projectId}/tasks/{taskId}/reject',
  access: 'task_runner',
  tag: 'Tasks',
  summary: 'End a task that waits for confirmation',
  request: { params: inTask },
  responses: { 200: answer('The task as it is now', task) },
  problems: ['not_waiting_confirmation', 'another_person_needed'],
});
