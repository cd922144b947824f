/** The message in a queue of tasks. It says that there may be work, and nothing secret; the truth is in DynamoDB. */
import * as z from 'zod';
import { projectId, taskId } from './ids.ts';

export const doorbell = z.object({ projectId, taskId });
export type Doorbell = z.infer<typeof doorbell>;

/** The message in a runner's own queue: the next heartbeat's answer has news, so send it now. */
export const controlDoorbell = z.object({ heartbeat: z.literal(true) });
export type ControlDoorbell = z.infer<typeof controlDoorbell>;
