import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { it } from '../fixture.ts';
import { type Fixture, makeRepository, openFixture } from './fixture.ts';
import { isMissing } from './tools.ts';

let fixture: Fixture;
it.beforeAll(async ({ shared }) => {
  fixture = await openFixture(shared);
});
afterAll(() => fixture?.close());

const survey = [
  { name: 'WHO', title: 'Who', type: 'string', default: 'nobody' },
  { name: 'COUNT', title: 'How many', type: 'int', required: true },
  { name: 'PIN', title: 'PIN', type: 'secret' },
];
const answers = { survey: { COUNT: 3, PIN: 'pin-4711-secret' } };

describe('scripts', () => {
  it('get arguments, answers, secrets and secret files in bash, and print no secret', async () => {
    const environmentId = await fixture.make('environments', {
      variables: { WHO: 'overridden' },
      secrets: { TOKEN: 'token-value-99' },
      secretFiles: { CREDENTIALS: 'first secret line\nsecond secret line\n' },
    });
    const script = `
echo "$1 $WHO $COUNT $PIN $TOKEN"
stat -c %a "$CREDENTIALS"; wc -l < "$CREDENTIALS"; cat "$CREDENTIALS"
printf %s "$TOKEN" | base64
echo "home $HOME"; ls -A "$TMPDIR"; env | cut -d= -f1 | sort | tr '\\n' ' '
`;
    const done = await fixture.finish(
      { app: 'bash', script, arguments: ['arg'], environmentId, survey },
      answers,
    );
    expect(done.task).toMatchObject({ status: 'success', survey: { WHO: 'nobody', COUNT: 3 } });
    expect(done.output).toContain('arg nobody 3 *** ***\n600\n2\n');
    for (const secret of ['pin-4711', 'token-value', 'secret line', 'dG9rZW4t']) {
      expect(done.log).not.toContain(secret);
    }
    expect(done.output).not.toMatch(/REVEILLE_(RUNNER_TOKEN|API_URL|CONFIG)|NODE_OPTIONS/);
    expect(fixture.leftovers([done.task.id])).toEqual([]);
  });

  it('run in python', async () => {
    const script = 'import os, sys\nprint(os.environ["WHO"], int(os.environ["COUNT"]) + 1)\nsys.exit(3)\n';
    const done = await fixture.finish({ app: 'python', script, survey }, answers);
    expect(done.output).toBe('nobody 4\n');
    expect(done.task).toMatchObject({ status: 'error', exitCode: 3 });
  });

  it.skipIf(isMissing('pwsh'))('run in PowerShell', async () => {
    const script = 'Write-Output "$env:WHO $($args[0])"\nexit 4\n';
    const done = await fixture.finish({ app: 'powershell', script, arguments: ['x'], survey }, answers);
    expect(done.output).toContain('nobody x');
    expect(done.task).toMatchObject({ status: 'error', exitCode: 4 });
  });
});

for (const app of ['terraform', 'tofu'] as const) {
  describe.skipIf(isMissing(app))(app, () => {
    const configuration = (state: string) => `
terraform {
  backend "local" { path = "${state}" }
}
variable "who" { type = string }
variable "pin" {
  type      = string
  sensitive = true
}
resource "terraform_data" "greeting" { input = "hello \${var.who}" }
output "greeting" { value = terraform_data.greeting.output }
output "workspace" { value = terraform.workspace }
`;
    const asked = [
      { name: 'who', title: 'Who', type: 'string', required: true },
      { name: 'pin', title: 'PIN', type: 'secret' },
    ];
    const given = { survey: { who: 'world', pin: 'pin-4711-secret' } };

    it('applies by itself, finds nothing to change, and destroys', async () => {
      const state = join(fixture.folder, `${app}.tfstate`);
      const url = join(fixture.folder, `${app}-repository`);
      makeRepository(url, { 'stack/main.tf': configuration(state) });
      const repositoryId = await fixture.make('repositories', { url });
      const template = { app, path: 'stack', repositoryId, survey: asked };
      const terraform = { autoApprove: true };

      const applied = await fixture.finish({ ...template, terraform }, given);
      expect(applied.task).toMatchObject({ status: 'success', exitCode: 0 });
      expect(applied.log).toContain('1 added');
      expect(applied.log).not.toContain('pin-4711');
      const again = await fixture.finish({ ...template, terraform }, given);
      expect(again.log).toContain('No changes');
      expect(again.log).not.toContain(`${app} apply`);
      const planned = await fixture.finish(
        { ...template, terraform: { action: 'plan' } },
        {
          survey: { ...given.survey, who: 'moon' },
        },
      );
      expect(planned.task).toMatchObject({ status: 'success', exitCode: 0 });
      const destroyed = await fixture.finish(
        { ...template, terraform: { autoApprove: true, action: 'destroy' } },
        given,
      );
      expect(destroyed.log).toContain('1 destroyed');
    });

    it('waits for a confirmation in its workspace', async () => {
      const script = configuration(join(fixture.folder, `${app}-asked.tfstate`));
      const template = { app, script, survey: asked, terraform: { workspace: 'staging' } };
      const { id } = await fixture.start(template, given);
      const waiting = await fixture.reaches(id, ({ status }) => status === 'waiting_confirmation');
      expect(waiting.runnerId).toBeDefined();
      await fixture.decide(id, 'confirm');
      const done = await fixture.ended(id);
      expect(done.task).toMatchObject({ status: 'success', reason: expect.stringContaining('Confirmed by') });
      expect(done.log).toMatch(/workspace = "staging"/);
    });

    it('changes nothing after a rejection, or without a confirmation in time', async () => {
      const script = configuration(join(fixture.folder, `${app}-rejected.tfstate`));
      const { id } = await fixture.start({ app, script, survey: asked }, given);
      await fixture.reaches(id, ({ status }) => status === 'waiting_confirmation');
      await fixture.decide(id, 'reject');
      const rejected = await fixture.ended(id);
      expect(rejected.task).toMatchObject({
        status: 'stopped',
        reason: expect.stringContaining('Rejected by'),
      });
      const late = await fixture.finish(
        { app, script, survey: asked, terraform: { confirmTimeoutMs: 1000 } },
        given,
      );
      expect(late.task).toMatchObject({
        status: 'error',
        reason: expect.stringContaining('Nobody confirmed'),
      });
      for (const { log } of [rejected, late]) expect(log).not.toContain('Apply complete');
    });

    it('reports the error in a configuration', async () => {
      const { task, log } = await fixture.finish({ app, script: 'resource "x" {}' });
      expect(task).toMatchObject({ status: 'error', exitCode: 1 });
      expect(task.reason).toContain(`${app} init ended with exit code 1`);
      expect(log).toContain('Error');
    });
  });
}
