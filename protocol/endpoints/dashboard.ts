/** Endpoints of the views over tasks and runners: a page of the console loads those that it shows. */
import { dashboard, dashboardQuery, liveTasks, routing, routingQuery, taskTimeline } from '../dashboard.ts';
import { answer, endpoint } from './endpoint.ts';
import { inProject, inTask } from './params.ts';

export const getRouting = endpoint({
  operationId: 'getRouting',
  method: 'get',
  path: '/api/projects/{projectId}/routing',
  access: 'guest',
  tag: 'Tasks',
  summary: 'Get the runner that would take a task now, and the reason',
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
  summary: 'Get the steps of a task with their times',
  request: { params: inTask },
  responses: { 200: answer('The steps of its last attempt', taskTimeline) },
});

export const getLiveTasks = endpoint({
  operationId: 'getLiveTasks',
  method: 'get',
  path: '/api/projects/{projectId}/live',
  access: 'guest',
  tag: 'Tasks',
  summary: 'Count the tasks that have not ended and the runners that are awake, and list the first of each',
  description: 'The list of tasks has them all: by `status`, page by page.',
  request: { params: inProject },
  responses: { 200: answer('The counts and the first ones', liveTasks) },
});

export const getDashboard = endpoint({
  operationId: 'getDashboard',
  method: 'get',
  path: '/api/projects/{projectId}/dashboard',
  access: 'guest',
  tag: 'Projects',
  summary: 'Get recent failures, costs, savings and results by day',
  description: 'Reads the tasks of all these days. Another endpoint lists the running and waiting tasks.',
  request: { params: inProject, query: dashboardQuery },
  responses: { 200: answer('The dashboard', dashboard) },
});
