/** Arguments and settings that reach terraform. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../../protocol/agent.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { isMissing } from './tools.ts';

let fixture: TaskFixture;
beforeEach(async () => {
  fixture = await openTaskFixture();
});
afterEach(() => fixture?.close());

const terraform = { autoApprove: true, confirmTimeoutMs: 1000 };
const script = `
terraform {
  backend "local" {}
}
variable "who" { type = string }
resource "terraform_data" "greeting" { input = var.who }
`;

describe.skipIf(isMissing('terraform'))('terraform', () => {
  it('applies with the arguments of its plan that apply takes', async () => {
    const args = [
      '-lock-timeout=5s',
      '-parallelism',
      '3',
      '-compact-warnings',
      '-no-color',
      '-var',
      'who=me',
    ];
    const { result, output } = await fixture.run({ app: 'terraform', script, terraform, arguments: args });
    expect(result.status).toBe('success');
    expect(output).toContain('Apply complete!');
  });

  it('gets the settings of its backend as they are, in a file', async () => {
    const path = join(fixture.folder, `a "state" for \${x} and %{y} \\ z`);
    const given: Partial<TaskPayload> = {
      app: 'terraform',
      script,
      terraform: { ...terraform, backendConfig: { path } },
      arguments: ['-var=who=me'],
    };
    const { result } = await fixture.run(given);
    expect(result.status).toBe('success');
    expect(existsSync(path)).toBe(true);
  });
});

describe('the command line of terraform', () => {
  it('has no setting of the backend, and the same lock and parallelism for apply as for plan', async () => {
    const path = await fixture.program('terraform', 'echo "$@"; [ "$2" != plan ] || exit 2');
    const backendConfig = { conn_str: 'postgres://me:secret@db/x', assume_role: '{role_arn="arn:x"}' };
    const { output } = await fixture.run(
      {
        app: 'terraform',
        script,
        terraform: { ...terraform, backendConfig },
        arguments: ['-lock-timeout', '60s', '-lock=false', '-target=a.b', '-var', 'x=1', '-parallelism=2'],
      },
      path,
    );
    expect(output).not.toContain('secret');
    expect(output).toMatch(/ init -input=false -backend-config=\S+ -backend-config=assume_role=\{/);
    expect(output).toMatch(/ apply -input=false -lock-timeout 60s -lock=false -parallelism=2 \S+\n$/);
  });
});
