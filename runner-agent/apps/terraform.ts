/** Runs Terraform and OpenTofu: init, workspace, plan, and apply of exactly that plan. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { terraformOptions } from '../../protocol/app-options.ts';
import type { App, Step } from './app.ts';
import { answersAsEnvironment } from './survey.ts';

/** Exit code of `plan -detailed-exitcode`. */
const changesPlanned = 2;

const folderOf = async (path: string): Promise<string> =>
  (await stat(path)).isDirectory() ? path : dirname(path);

const terraformApp = (program: string, install: string): App => ({
  program,
  install,
  inlineName: 'main.tf',
  prepare: async ({ payload, workspace, script, gitEnvironment }) => {
    const options = terraformOptions.parse(payload.terraform ?? {});
    const { action = 'apply', workspace: name, autoApprove, confirmTimeoutMs, backendConfig = {} } = options;
    const inFolder = `-chdir=${await folderOf(script)}`;
    const planFile = workspace.privatePath('plan');
    const call = (title: string, ...args: string[]): Step => ({
      title: `${program} ${title}`,
      args: [inFolder, ...args],
    });
    const backend = Object.entries(backendConfig).map(([key, value]) => `-backend-config=${key}=${value}`);
    const init = call('init', 'init', '-input=false', ...backend);
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
    const apply = call('apply', 'apply', '-input=false', planFile);
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
