/** Endpoints of costs. */
import { costQuery, costReport } from '../cost.ts';
import { costHistory, costHistoryQuery } from '../dashboard.ts';
import { answer, endpoint } from './endpoint.ts';
import { inProject } from './params.ts';

export const getCostHistory = endpoint({
  operationId: 'getCostHistory',
  method: 'get',
  path: '/api/projects/{projectId}/costs/history',
  access: 'guest',
  tag: 'Costs',
  summary: 'Get the costs by day, by runner and by template, and with other idle timeouts',
  description:
    'A session or task that overlaps a day or the window counts by the time inside it. For global runners, only the shares of the project’s tasks count, without an always-on cost.',
  request: { params: inProject, query: costHistoryQuery },
  responses: { 200: answer('The history', costHistory) },
});

export const getCosts = endpoint({
  operationId: 'getCosts',
  method: 'get',
  path: '/api/projects/{projectId}/costs',
  access: 'guest',
  tag: 'Costs',
  summary: 'Get the cost of the instances, and the savings compared with instances that never sleep',
  description:
    'The window ends now at the latest. A session or task that overlaps it counts by the time inside it, so that reports of consecutive windows add up. Money is in whole micro-dollars.',
  request: { params: inProject, query: costQuery },
  responses: { 200: answer('The report', costReport) },
});
