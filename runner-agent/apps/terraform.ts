/** Runs Terraform and OpenTofu: init, workspace, plan, and apply of exactly that plan. */
import { dirname } from 'node:path';
import { terraformOptions } from '../../protocol/app-options.ts';
import type { TaskFiles } from '../task/task-file.ts';
import type { Workspace } from '../task/workspace.ts';
import type { App, Step } from './app.ts';
import { answersAsEnvironment } from './survey.ts';

/** Exit code of `plan -detailed-exitcode`. */
const changesPlanned = 2;

/**
 * Flags of `plan` that `apply` takes with a saved plan too (`terraform apply -help`): without a value, and
 * with one, which may be the next argument.
 */
const switches = /^--?(?:lock|compact-warnings|json|no-color)(?:=|$)/;
const settings = /^--?(?:lock-timeout|parallelism|state)(=|$)/;

const applyArguments = (args: readonly string[]): string[] =>
  args.filter((argument, index) => {
    const isValue = settings.exec(args[index - 1] ?? '')?.[1] === '';
    return isValue || switches.test(argument) || settings.test(argument);
  });

/** Writes a string of HCL. */
const hclString = (text: string): string =>
  `"${text
    .replaceAll(/[\\"]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll(/[$%](?=\{)/g, '$&$&')}"`;

/**
 * Returns the flags for the backend. Its values are in a file, as every user of the machine may read a
 * command line; lists and objects are flags, which Terraform parses by the type of the setting.
 */
const backendArgs = async (
  workspace: Workspace,
  backendConfig: Readonly<Record<string, string>>,
): Promise<string[]> => {
  const isPlain = ([, value]: [string, string]) => !/^\s*[[{]/.test(value);
  const all = Object.entries(backendConfig);
  const flags = all.filter((one) => !isPlain(one)).map(([key, value]) => `-backend-config=${key}=${value}`);
  const lines = all.filter(isPlain).map(([key, value]) => `${key} = ${hclString(value)}\n`);
  if (lines.length === 0) return flags;
  return [`-backend-config=${await workspace.writePrivate('backend.hcl', lines.join(''))}`, ...flags];
};

const folderOf = async (files: TaskFiles, path: string): Promise<string> =>
  (await files.isFolder(path)) ? path : dirname(path);

const terraformApp = (program: string, install: string): App => ({
  program,
  install,
  inlineName: 'main.tf',
  prepare: async ({ payload, workspace, files, script, gitEnvironment }) => {
    const options = terraformOptions.parse(payload.terraform ?? {});
    const { action = 'apply', workspace: name, autoApprove, confirmTimeoutMs, backendConfig = {} } = options;
    const inFolder = `-chdir=${await folderOf(files, script)}`;
    const planFile = workspace.privatePath('plan');
    const call = (title: string, ...args: string[]): Step => ({
      title: `${program} ${title}`,
      args: [inFolder, ...args],
    });
    const init = call('init', 'init', '-input=false', ...(await backendArgs(workspace, backendConfig)));
    // Modules may come from git, with the key of the repository.
    init.environment = gitEnvironment;
    const select = name ? [call(`workspace ${name}`, 'workspace', 'select', '-or-create', name)] : [];
    const plan = call(
      action === 'destroy' ? 'plan -destroy' : 'plan',
      'plan',
      '-input=false',
      '-detailed-exitcode',
      `-out=${planFile}`,
      ...(action === 'destroy' ? ['-destroy'] : []),
      ...payload.arguments,
    );
    plan.outcome = (code) => {
      if (code === changesPlanned) return action === 'plan' ? 'done' : 'next';
      return code === 0 ? 'done' : 'failed';
    };
    const apply = call('apply', 'apply', '-input=false', ...applyArguments(payload.arguments), planFile);
    if (!autoApprove) apply.confirmWithinMs = confirmTimeoutMs;
    return {
      environment: {
        TF_IN_AUTOMATION: '1',
        CHECKPOINT_DISABLE: '1',
      },
      answers: answersAsEnvironment(payload, 'TF_VAR_'),
      steps: [init, ...select, plan, ...(action === 'plan' ? [] : [apply])],
    };
  },
  explain: (exitCode, { title = program }) => `${title} ended with exit code ${exitCode}: see the log`,
});

export const terraform = terraformApp(
  'terraform',
  'Terraform (https://developer.hashicorp.com/terraform/install, the package terraform)',
);

export const tofu = terraformApp(
  'tofu',
  'OpenTofu (https://opentofu.org/docs/intro/install, the package tofu)',
);
