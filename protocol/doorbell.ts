/** Message in a task queue: there may be work. It has no secret; the truth is in DynamoDB. */
import * as z from 'zod';
import { instant } from './common.ts';
import { projectId, taskId } from './ids.ts';

export const doorbell = z.object({
  projectId,
  taskId,
  queue: z.string().max(200).optional().describe('That the task waited in when it rang'),
  aloneAt: instant.optional().describe('When nothing else waited there'),
});
export type Doorbell = z.infer<typeof doorbell>;

/** Message in a runner's own queue: the next heartbeat's answer has news, so send it now. */
export const controlDoorbell = z.object({ heartbeat: z.literal(true) });
export type ControlDoorbell = z.infer<typeof controlDoorbell>;
