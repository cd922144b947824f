/** Case 06: sockets in HOME and TMPDIR of a working folder whose path is long. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { provideTime, timeProvider } from './time-provider.ts';
import { isMissing } from './tools.ts';

let fixture: TaskFixture;
beforeEach(async () => {
  fixture = await openTaskFixture('.local/instances/i-0123456789abcdef0/work');
});
afterEach(() => fixture?.close());

describe('case 06: in a long working folder', () => {
  it('python starts a manager of multiprocessing', async () => {
    const { output } = await fixture.run({
      app: 'python',
      script: `
import multiprocessing
if __name__ == '__main__':
    with multiprocessing.Manager() as manager:
        print(manager.list(['managed']))
`,
    });
    expect(output).toBe("['managed']\n");
  });

  it('a program makes a socket with a name of 40 letters in HOME and in TMPDIR', async () => {
    const script = `
import os, socket
for folder in ('HOME', 'TMPDIR'):
    socket.socket(socket.AF_UNIX).bind(os.path.join(os.environ[folder], 40 * 's'))
`;
    const { result, output } = await fixture.run({ app: 'python', script });
    expect(output).toBe('');
    expect(result.status).toBe('success');
  });

  const lacksProvider = lacksCases || isMissing('terraform') || isMissing(timeProvider);
  it.skipIf(lacksProvider)('terraform reaches its provider', async () => {
    const { result, output } = await fixture.run({
      app: 'terraform',
      script: readFileSync(caseFile(5, 'main.tf'), 'utf8'),
      variables: provideTime(fixture.folder),
      terraform: { action: 'plan', autoApprove: false, confirmTimeoutMs: 1000 },
    });
    expect(output).toContain('3 to add');
    expect(result.status).toBe('success');
  });
});
