/** App options of a template beyond the script, and those that a task may change. */
import * as z from 'zod';
import { environmentId, inventoryId, keyId } from './ids.ts';
import { jsonValue } from './json-value.ts';
import { valuesByName } from './text.ts';

/** Value of a program's flag, so it must not look like a flag itself. */
const flagValue = (longest: number) =>
  z.string().min(1).max(longest).regex(/^[^-]/, 'must not start with "-"');

/**
 * Returns the fault of an Ansible limit; undefined: none. Ansible reads hosts from a file of the runner where
 * a part of the limit begins with "@" (`subset` in lib/ansible/inventory/manager.py). It strips more than
 * spaces before that check, so "@" is allowed only within a name. The control plane checks a new limit, and
 * the agent checks again before it runs.
 */
export const limitFault = (limit: string): string | undefined => {
  if (limit.startsWith('-')) return 'must not start with "-"';
  return /(^|[^\p{L}\p{N}._-])@/u.test(limit)
    ? 'must not name a file: "@" may stand only within the name of a host'
    : undefined;
};

/** Stored limits of version 0.1.0 may name a file, so only new ones are rejected. */
const newLimit = flagValue(2000).superRefine((limit, context) => {
  const message = limitFault(limit);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const ansibleTag = z
  .string()
  .max(200)
  .regex(/^[^\s,-][^\s,]*$/, 'must be one tag, without spaces and commas');

const vaultKey = z.strictObject({
  keyId: keyId.describe('A key of type string or login_password'),
  vaultId: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'must be letters, digits, "_", "." and "-"')
    .default('default')
    .describe('The label that `ansible-vault --vault-id` encrypted with'),
});

/** Options that a person may choose for one task. */
const ansibleChoices = {
  limit: flagValue(2000).optional().describe('A host pattern'),
  tags: z.array(ansibleTag).max(100).optional(),
  skipTags: z.array(ansibleTag).max(100).optional(),
  check: z.boolean().optional().describe('Say what would change, and change nothing'),
  diff: z.boolean().optional().describe('Show what changes within files'),
  verbosity: z.int().min(0).max(5).optional().describe('How many "v" Ansible gets: 0 to 5'),
};

export const ansibleOptions = z.strictObject({
  ...ansibleChoices,
  extraVars: valuesByName(z.string().min(1).max(200), jsonValue)
    .optional()
    .describe('Variables with any JSON values: texts, numbers, lists, objects, null'),
  vaultKeys: z.array(vaultKey).max(10).optional(),
  becomeKeyId: keyId
    .optional()
    .describe('Its password is for becoming another user; a login in it is that user’s name'),
});
export type AnsibleOptions = z.infer<typeof ansibleOptions>;

/** Input of the API; `ansibleOptions` is the stored form. */
export const ansibleInput = ansibleOptions.extend({ limit: newLimit.optional().describe('A host pattern') });

export const terraformAction = z.enum(['plan', 'apply', 'destroy']);

const terraformChoices = {
  action: terraformAction.optional().describe('"apply" unless told'),
};

export const terraformOptions = z.strictObject({
  ...terraformChoices,
  workspace: z
    .string()
    .max(90)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.~-]*$/, 'must be a name that a Terraform workspace can have')
    .optional()
    .describe('Made when it is not there'),
  autoApprove: z.boolean().default(false).describe('Apply without asking; else somebody has to confirm'),
  confirmTimeoutMs: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(1_800_000)
    .describe('How long the runner waits to be confirmed; it costs money meanwhile'),
  backendConfig: valuesByName(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be an argument of a backend'),
    z.string().max(4000),
  )
    .optional()
    .describe('Of `terraform init -backend-config`'),
});
export type TerraformOptions = z.infer<typeof terraformOptions>;

export const programArguments = z.array(z.string().max(4000)).max(100);
export const timeoutMs = z.int().min(1000).max(604_800_000);

/** Fields of a template that a start may change, if the template allows it. */
export const launchOption = z.enum([
  'limit',
  'tags',
  'skipTags',
  'check',
  'diff',
  'verbosity',
  'terraformAction',
  'arguments',
  'branch',
  'commit',
  'inventory',
  'environment',
  'timeout',
  'priority',
]);
export type LaunchOption = z.infer<typeof launchOption>;

/** People who may confirm a task of the template. */
export const confirmedBy = z.enum(['anyone', 'another_person']);

/** Branch name (git-check-ref-format(1)), and nothing else that git could fetch. */
const branchName = z
  .string()
  .min(1)
  .max(200)
  .regex(
    /^(?![-/])(?!.*(?:\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[/.]$))[^\s~^:?*[\\\p{Cc}]+$/u,
    'must be the name of a branch',
  );

const oneSource = z
  .strictObject({
    branch: branchName.optional(),
    commit: z
      .string()
      .regex(/^[0-9a-f]{7,64}$/, 'must be the hash of a commit: 7 to 64 digits of 0-9 and a-f')
      .optional(),
  })
  .refine(({ branch, commit }) => branch === undefined || commit === undefined, {
    error: 'must not be given with a branch',
    path: ['commit'],
  });

/** Stored options of one task that differ from its template. */
export const taskOptions = {
  ansible: z.strictObject(ansibleChoices).optional().describe("Instead of the template's, each by itself"),
  terraform: z.strictObject(terraformChoices).optional(),
  repository: oneSource.optional().describe("Instead of the template's branch"),
  arguments: programArguments.optional().describe("Instead of the template's, all of them"),
  inventoryId: inventoryId.optional(),
  environmentId: environmentId.optional(),
  timeoutMs: timeoutMs.optional(),
};

/** Same options as input. */
export const taskOptionsInput = {
  ...taskOptions,
  ansible: z
    .strictObject({ ...ansibleChoices, limit: ansibleInput.shape.limit })
    .optional()
    .describe("Instead of the template's, each by itself"),
};
