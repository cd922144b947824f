/** Endpoints of webhook deliveries. */
import { page } from '../common.ts';
import { delivery, deliveryQuery } from '../webhook.ts';
import { answer, endpoint } from './endpoint.ts';
import { inDelivery, inProject, inTask } from './params.ts';

export const listDeliveries = endpoint({
  operationId: 'listDeliveries',
  method: 'get',
  path: '/api/projects/{projectId}/deliveries',
  access: 'manager',
  tag: 'Webhook deliveries',
  summary: "List a project's webhook deliveries, newest task first",
  request: { params: inProject, query: deliveryQuery },
  responses: { 200: answer('A page of deliveries', page(delivery)) },
});

export const listTaskDeliveries = endpoint({
  operationId: 'listTaskDeliveries',
  method: 'get',
  path: '/api/projects/{projectId}/tasks/{taskId}/deliveries',
  access: 'manager',
  tag: 'Webhook deliveries',
  summary: "List a task's webhook deliveries",
  request: { params: inTask, query: deliveryQuery },
  responses: { 200: answer('A page of deliveries', page(delivery)) },
});

export const sendDelivery = endpoint({
  operationId: 'sendDelivery',
  method: 'post',
  path: '/api/projects/{projectId}/deliveries/{deliveryId}/send',
  access: 'manager',
  tag: 'Webhook deliveries',
  summary: 'Send a delivery again, now',
  description: 'It keeps its id, so that a receiver can ignore a delivery that it knows.',
  request: { params: inDelivery },
  responses: { 200: answer('The delivery with the outcome of the attempt', delivery) },
});
