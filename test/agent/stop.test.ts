/** Stops of tasks whose program winds its own children down. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../../protocol/agent.ts';
import type { HeldTask } from '../../runner-agent/task/held-tasks.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { isMissing } from './tools.ts';

let fixture: TaskFixture;
beforeEach(async () => {
  fixture = await openTaskFixture();
});
afterEach(() => fixture?.close());

/** Runs the task and stops it when its output has the text. */
const runAndStopAt = (text: string, given: Partial<TaskPayload>) => {
  let task: HeldTask | undefined;
  return fixture.run({ stopGraceMs: 120_000, ...given }, process.env.PATH, {
    began: (started) => {
      task = started;
    },
    onOutput: (output) => {
      if (output.includes(text)) task?.end('stopped');
    },
  });
};

const provider = 'terraform-provider-time';

describe.skipIf(lacksCases || isMissing('terraform') || isMissing(provider))('terraform', () => {
  // `go install github.com/hashicorp/terraform-provider-time@v0.12.1` makes the provider.
  it('case 05: has its provider end in order', async () => {
    const mirror = join(fixture.folder, 'mirror');
    const os = process.platform;
    const arch = process.arch === 'x64' ? 'amd64' : process.arch;
    const folder = join(mirror, `registry.terraform.io/hashicorp/time/0.12.1/${os}_${arch}`);
    mkdirSync(folder, { recursive: true });
    const binary = execFileSync('which', [provider], { encoding: 'utf8' }).trim();
    copyFileSync(binary, join(folder, `${provider}_v0.12.1`));
    const config = join(fixture.folder, 'terraformrc');
    writeFileSync(config, `provider_installation {\n  filesystem_mirror { path = "${mirror}" }\n}\n`);
    const { result, output } = await runAndStopAt('time_sleep.slow: Creating...', {
      app: 'terraform',
      script: readFileSync(caseFile(5, 'main.tf'), 'utf8'),
      variables: { TF_CLI_CONFIG_FILE: config },
      terraform: { autoApprove: true, confirmTimeoutMs: 1000 },
    });
    expect(result.status).toBe('stopped');
    expect(output).toContain('Gracefully shutting down');
    expect(output).not.toContain('Plugin did not respond');
    expect(output).toContain('context canceled');
  });
});

describe.skipIf(isMissing('ansible-playbook'))('ansible-playbook', () => {
  it('ends at a stop with all that it started, before the grace is over', async () => {
    const script = `
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.shell: sleep 600
`;
    const { result } = await runAndStopAt('TASK', { app: 'ansible', script });
    expect(result).toMatchObject({ status: 'stopped', exitCode: 143 });
  });
});
