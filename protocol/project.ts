/** Project: the unit of isolation, with its own runners, templates, inventories, keys and queues. */
import * as z from 'zod';
import { description, instant, name } from './common.ts';
import { projectId } from './ids.ts';
import { written } from './text.ts';

const fields = z.strictObject({
  name,
  description: description.optional(),
  maxParallelTasks: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe('How many of its tasks may run at once; 0 = no limit'),
  logRetentionDays: z.int().min(1).max(3650).default(90).describe('How long the logs of its tasks are kept'),
});
export const projectInput = written(fields, { lines: ['name'] }).meta({ id: 'ProjectInput' });
export type ProjectInput = z.infer<typeof projectInput>;

export const project = fields.strip().extend({ id: projectId, createdAt: instant }).meta({ id: 'Project' });
export type Project = z.infer<typeof project>;
