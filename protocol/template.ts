/** Template: script or playbook to run, and its place. */
import * as z from 'zod';
import { type App, app, isTerraform } from './app.ts';
import {
  ansibleInput,
  ansibleOptions,
  confirmedBy,
  type LaunchOption,
  launchOption,
  programArguments,
  terraformOptions,
  timeoutMs,
} from './app-options.ts';
import { description, editedBy, instant, name, repositoryPath, tag } from './common.ts';
import { gitReferenceFault } from './git-arguments.ts';
import { environmentId, inventoryId, projectId, repositoryId, templateId } from './ids.ts';
import { gitReference } from './repository.ts';
import { survey } from './survey.ts';
import { written } from './text.ts';
import { secretArguments } from './visible-secrets.ts';

/** Action on a task of the template when its runner is lost. */
export const onRunnerLost = z.enum(['retry', 'fail']);

/** Order of waiting tasks in a queue: the higher one starts first. */
export const priority = z.int().min(-100).max(100);

/** Action on a running task when its runner is to drain. */
export const onDrain = z.enum(['finish', 'hand_back']);

const fields = z.strictObject({
  name,
  description: description.optional(),
  app,
  script: z.string().min(1).max(65_536).optional().describe('The script or playbook itself'),
  path: repositoryPath
    .optional()
    .describe(
      'The script or playbook in the repository; for terraform and tofu the folder of the configuration',
    ),
  repositoryId: repositoryId.optional(),
  branch: gitReference
    .optional()
    .describe("A branch, a tag, or the hash of a commit, instead of the repository's"),
  inventoryId: inventoryId.optional(),
  environmentId: environmentId.optional(),
  ansible: ansibleOptions.optional(),
  terraform: terraformOptions.optional().describe('For terraform and tofu'),
  survey: survey.optional().describe('What to ask of whoever starts a task'),
  launch: z
    .array(launchOption)
    .max(launchOption.options.length)
    .default([])
    .describe(
      "Launch options: what may be given when a task is started, each with the template's value as default. Nothing else may",
    ),
  confirmedBy: confirmedBy
    .default('anyone')
    .describe('Whether the person who confirms a task must be another one than who started it'),
  arguments: programArguments.default([]),
  tag: tag.optional().describe("Routes the task; wins over the inventory's"),
  priority: priority
    .default(0)
    .describe('Of its tasks: among those that wait for the same runners the higher starts first'),
  maxParallelTasks: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe('How many of its tasks may run at once: 1 = one at a time, 0 = no limit'),
  timeoutMs: timeoutMs.default(3_600_000),
  stopGraceMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(10_000)
    .describe('How long the task has to end by itself when it is stopped, before it is killed'),
  onDrain: onDrain
    .default('finish')
    .describe('When its runner is to drain: "finish" it there, or "hand_back": end it and run it elsewhere'),
  onRunnerLost: onRunnerLost.default('retry'),
  maxAttempts: z.int().min(1).max(10).default(3),
});

const ofAnsible: readonly LaunchOption[] = ['limit', 'tags', 'skipTags', 'check', 'diff', 'verbosity'];
const ofRepository: readonly LaunchOption[] = ['branch', 'commit'];

/** Explains why a launch option does not apply to a template; undefined: it does. */
export const misfit = (
  option: LaunchOption,
  input: { readonly app: App; readonly repositoryId?: string },
): string | undefined => {
  const isForApp =
    option === 'terraformAction'
      ? isTerraform(input.app)
      : !ofAnsible.includes(option) || input.app === 'ansible';
  if (!isForApp) return `is not for a template of the app ${input.app}`;
  return ofRepository.includes(option) && input.repositoryId === undefined
    ? 'is for a template with a repository only'
    : undefined;
};

const checked = fields
  .extend({ ansible: ansibleInput.optional() })
  .refine((input) => (input.script === undefined) !== (input.path === undefined), {
    error: 'needs either a script or a path',
    path: ['script'],
  })
  .refine((input) => input.path === undefined || input.repositoryId !== undefined, {
    error: 'is needed with a path',
    path: ['repositoryId'],
  })
  .refine(({ app, ansible }) => ansible === undefined || app === 'ansible', {
    error: 'is for the app ansible only',
    path: ['ansible'],
  })
  .refine(({ app: itsApp, terraform }) => terraform === undefined || isTerraform(itsApp), {
    error: 'is for the apps terraform and tofu only',
    path: ['terraform'],
  })
  .refine((input) => input.branch === undefined || input.repositoryId !== undefined, {
    error: 'is needed with a branch',
    path: ['repositoryId'],
  })
  .refine(({ confirmedBy: by, terraform }) => by === 'anyone' || !terraform?.autoApprove, {
    error: 'needs "autoApprove" to be false: with it, nobody confirms',
    path: ['confirmedBy'],
  })
  .superRefine((input, context) => {
    const fault = input.branch === undefined ? undefined : gitReferenceFault(input.branch);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['branch'], message: fault });
    for (const argument of secretArguments(input.terraform?.backendConfig ?? {})) {
      const message =
        'must not be given here, as everybody in the project reads it. Put it into a secret of the environment, under the variable that the backend reads, such as AWS_SECRET_ACCESS_KEY';
      context.addIssue({ code: 'custom', path: ['terraform', 'backendConfig', argument], message });
    }
    for (const [index, option] of input.launch.entries()) {
      const message = input.launch.indexOf(option) < index ? 'is there twice' : misfit(option, input);
      if (message !== undefined) context.addIssue({ code: 'custom', path: ['launch', index], message });
    }
  });
export const templateInput = written(checked, {
  lines: ['name', 'path', 'branch', 'ansible.limit', 'survey.*.title', 'survey.*.values.*.name'],
  names: ['tag', 'survey.*.name'],
}).meta({ id: 'TemplateInput' });
export type TemplateInput = z.infer<typeof templateInput>;

export const template = fields
  .strip()
  .extend({ id: templateId, projectId, createdAt: instant, editedBy })
  .meta({ id: 'Template' });
export type Template = z.infer<typeof template>;
