/** Endpoints of costs. */
import { costQuery, costReport } from '../cost.ts';
import { costHistory, costHistoryQuery } from '../insight.ts';
import { answer, endpoint } from './endpoint.ts';
import { inProject } from './params.ts';

export const getCostHistory = endpoint({
  operationId: 'getCostHistory',
  method: 'get',
  path: '/api/projects/{projectId}/costs/history',
  access: 'guest',
  tag: 'Costs',
  summary: 'What was spent day by day, by runner and by template, and with other idle timeouts',
  description:
    'A session or task that only reaches into a day, or the window, counts there by its time. Of global runners only the shares of the project’s tasks count, and no always-on cost.',
  request: { params: inProject, query: costHistoryQuery },
  responses: { 200: answer('The history', costHistory) },
});

export const getCosts = endpoint({
  operationId: 'getCosts',
  method: 'get',
  path: '/api/projects/{projectId}/costs',
  access: 'guest',
  tag: 'Costs',
  summary: 'What the instances cost, and what was saved against instances that never sleep',
  description:
    'Counts the window up to now. A session or a task that only reaches into it counts by its time there, so that the reports of windows in a row add up. Money is whole micro-dollars.',
  request: { params: inProject, query: costQuery },
  responses: { 200: answer('The report', costReport) },
});
