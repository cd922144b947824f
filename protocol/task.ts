/** Task: one run of a template. */
import * as z from 'zod';
import { app } from './app.ts';
import { confirmedBy, launchOption, taskOptions, taskOptionsInput } from './app-options.ts';
import { instant, microUsd, pageQuery, searchText, tag } from './common.ts';
import { projectId, runnerId, taskId, templateId } from './ids.ts';
import { commit, hostResults } from './result.ts';
import { surveyAnswers } from './survey.ts';
import { priority } from './template.ts';
import { written } from './text.ts';

export const taskStatus = z.enum([
  'waiting',
  'starting',
  'running',
  'waiting_confirmation',
  'confirmed',
  'rejected',
  'stopping',
  'success',
  'error',
  'stopped',
]);
export type TaskStatus = z.infer<typeof taskStatus>;

const ended: ReadonlySet<TaskStatus> = new Set(['success', 'error', 'stopped']);
export const hasEnded = (status: TaskStatus): boolean => ended.has(status);

export const taskFields = z.strictObject({
  templateId,
  message: z.string().trim().max(500).optional().describe('Why it is run'),
  survey: surveyAnswers.optional().describe("Answers to the template's survey"),
  priority: priority.optional().describe("The template's unless told"),
  ...taskOptionsInput,
});
export const taskInput = written(taskFields, { lines: ['ansible.limit', 'repository.branch'] }).meta({
  id: 'TaskInput',
});
export type TaskInput = z.infer<typeof taskInput>;

export const task = z
  .object({
    id: taskId,
    projectId,
    templateId,
    templateName: z.string(),
    app,
    message: z.string().optional(),
    tag: tag.optional().describe('As resolved when it was made'),
    status: taskStatus,
    attempt: z.int().min(1),
    priority: priority.optional().describe('Absent: 0'),
    runnerId: runnerId.optional().describe('The runner that is to run it, runs it or ran it'),
    runnerName: z
      .string()
      .optional()
      .describe('Name of that runner; absent for a global one, which is not of the project'),
    reason: z.string().optional().describe('Why it waits, or why it failed'),
    exitCode: z.int().optional(),
    survey: surveyAnswers.optional().describe('Without the secret answers, which are never shown'),
    ...taskOptions,
    changed: z
      .array(launchOption)
      .optional()
      .describe('What was given at the start and is otherwise than the template had it'),
    confirmedBy: confirmedBy.optional().describe('As the template had it at the start; absent: anyone'),
    notConfirmedBy: z
      .array(z.string())
      .optional()
      .describe('Ids of the people who must not confirm it, where another person has to'),
    commit: commit.optional().describe('What of the repository was run'),
    hosts: hostResults.optional().describe('What Ansible did to each host; not in listings'),
    createdAt: instant,
    createdBy: z.string(),
    assignedAt: instant.optional().describe('Since when `runnerId` is to run it'),
    claimedAt: instant.optional(),
    startedAt: instant.optional(),
    finishedAt: instant.optional(),
    costMicroUsd: microUsd.optional().describe("Its share of its instance session's cost so far"),
  })
  .meta({ id: 'Task' });
export type Task = z.infer<typeof task>;

export const taskQuery = pageQuery.extend({
  status: taskStatus.optional(),
  templateId: templateId.optional(),
  runnerId: runnerId.optional(),
  tag: tag.optional(),
  createdBy: z.string().max(200).optional(),
  from: instant.optional().describe('Started then or later'),
  to: instant.optional().describe('Started then or before'),
  search: searchText
    .optional()
    .describe('Text in its id, template, message, tag, commit or who started it, in any case'),
});
export type TaskQuery = z.infer<typeof taskQuery>;
