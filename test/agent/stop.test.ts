/** Stops of tasks whose program winds its own children down. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../../protocol/agent.ts';
import type { HeldTask } from '../../runner-agent/task/held-tasks.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { provideTime, timeProvider } from './time-provider.ts';
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

describe.skipIf(lacksCases || isMissing('terraform') || isMissing(timeProvider))('terraform', () => {
  it('case 05: has its provider end in order', async () => {
    const { result, output } = await runAndStopAt('time_sleep.slow: Creating...', {
      app: 'terraform',
      script: readFileSync(caseFile(5, 'main.tf'), 'utf8'),
      variables: provideTime(fixture.folder),
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
