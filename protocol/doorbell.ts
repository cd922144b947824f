/** Message in a task queue: there may be work. It has no secret; the truth is in DynamoDB. */
import * as z from 'zod';
import { instant } from './common.ts';
import { environmentId, inventoryId, projectId, repositoryId, taskId, templateId } from './ids.ts';

/** Ids of what a task is made of. */
export const taskPartIds = z.object({
  templateId,
  inventoryId: inventoryId.optional(),
  environmentId: environmentId.optional(),
  repositoryId: repositoryId.optional(),
});
export type TaskPartIds = z.infer<typeof taskPartIds>;

export const doorbell = z.object({
  projectId,
  taskId,
  queue: z.string().max(200).optional().describe('That the task waited in when it rang'),
  aloneAt: instant.optional().describe('When nothing else waited there'),
  parts: taskPartIds.optional().describe('What the task is made of'),
});
export type Doorbell = z.infer<typeof doorbell>;

/** Message in a runner's own queue: the next heartbeat's answer has news, so send it now. */
export const controlDoorbell = z.object({ heartbeat: z.literal(true) });
export type ControlDoorbell = z.infer<typeof controlDoorbell>;
