/** Webhooks about a task's start and finish: Semaphore's five fields, and three more. */
import * as z from 'zod';
import { instant, pageQuery } from './common.ts';
import { projectId, runnerId, taskId, templateId } from './ids.ts';
import { taskStatus } from './task.ts';

export const webhookAction = z.enum(['start', 'finish']);
export type WebhookAction = z.infer<typeof webhookAction>;

const ids = { project_id: projectId, task_id: taskId, template_id: templateId, runner_id: runnerId };
const more = { attempt: z.int().min(1), sent_at: instant };

export const webhookBody = z.discriminatedUnion('action', [
  z.object({ action: z.literal('start'), ...ids, ...more }),
  z.object({ action: z.literal('finish'), ...ids, ...more, status: taskStatus }),
]);
export type WebhookBody = z.infer<typeof webhookBody>;

/** Maximum recorded bytes of a receiver's answer. */
export const recordedBodyBytes = 4096;

export const recordedResponse = z.object({
  headers: z.record(z.string(), z.string()).describe('Those that help to find out what went wrong'),
  body: z.string().describe('Its first 4,096 bytes, as UTF-8'),
  isCut: z.literal(true).optional().describe('The body was longer'),
});
export type RecordedResponse = z.infer<typeof recordedResponse>;

export const deliveryAttempt = z.object({
  at: instant,
  durationMs: z.int(),
  statusCode: z.int().optional(),
  error: z.string().optional(),
  response: recordedResponse.optional().describe('Kept of the last ten attempts'),
});
export type DeliveryAttempt = z.infer<typeof deliveryAttempt>;

const anyId = z.union([z.string().max(200), z.number()]).transform(String);

/** Body that a receiver accepts: ids as strings or as numbers, as Semaphore sends them. */
export const receivedWebhookBody = z.object({
  action: webhookAction,
  project_id: anyId,
  task_id: anyId,
  template_id: anyId,
  runner_id: anyId,
  attempt: z.int().min(1),
});
export type ReceivedWebhookBody = z.infer<typeof receivedWebhookBody>;

/** Signed, retried HTTP POST. Its id is the idempotency key, and names its subject. */
export const deliveryId = z
  .string()
  .regex(/^msg_[A-Za-z0-9_]{1,120}$/, 'must be the id of a webhook delivery');

/** Reason for a delay: an earlier delivery is not settled, or the URL has failed too often in a row. */
export const heldDelivery = z.object({
  until: instant,
  reason: z.enum(['earlier_delivery', 'circuit_open']),
});
export type HeldDelivery = z.infer<typeof heldDelivery>;

export const deliveryStatus = z.enum(['pending', 'delivered', 'dead']);

/** Query of a listing of deliveries. */
export const deliveryQuery = pageQuery.extend({ status: deliveryStatus.optional() });

export const delivery = z
  .object({
    id: deliveryId,
    projectId,
    taskId,
    runnerId,
    url: z.string(),
    body: webhookBody,
    status: deliveryStatus,
    attempts: z.array(deliveryAttempt),
    held: heldDelivery.optional(),
    createdAt: instant,
  })
  .meta({ id: 'Delivery' });
export type Delivery = z.infer<typeof delivery>;
