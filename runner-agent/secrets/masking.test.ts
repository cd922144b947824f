import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../../protocol/agent.ts';
import { caseFile, lacksCases } from '../../test/cases.ts';
import { type AgentFixture, createAgentFixture } from '../testing/agent-fixture.ts';
import { aPayload } from '../testing/builders.ts';
import { waitFor } from '../testing/wait-for.ts';

let fixture: AgentFixture;
beforeEach(async () => {
  fixture = await createAgentFixture();
});
afterEach(() => fixture?.close());

/** Runs the task with a complete agent. Returns the result and all text that left the agent. */
const finish = async (given: Partial<TaskPayload>) => {
  const payload = aPayload(given);
  fixture.api.addTask(payload);
  fixture.ring(payload);
  fixture.startAgent();
  const result = await waitFor('the finish', () => fixture.api.tasks.get(payload.taskId)?.finish);
  const said = [JSON.stringify(result), fixture.api.textOf(payload.taskId), fixture.agentLog()].join('\n');
  return { result, said };
};

describe.skipIf(lacksCases)('case 07: a secret in the reason of a failure', () => {
  const readme = lacksCases ? '' : readFileSync(caseFile(7, 'README'), 'utf8');
  const found = (pattern: RegExp) => pattern.exec(readme)?.[1] ?? '';
  const withPassword = found(/\(a\) repository url (\S+),/);
  const withToken = found(/\(c\) url (\S+)\./);

  it.each([
    ['a password in the repository’s URL', withPassword, 's3cretTok3n', 'would travel|Cannot fetch'],
    ['a token alone in the repository’s URL', withToken, 'ghp_abcdef123456', 'would travel|Cannot fetch'],
  ])('hides %s', async (_, url, secret, reason) => {
    expect(url).toContain(secret);
    const { result, said } = await finish({ path: 'run.sh', repository: { url, branch: 'main' } });
    expect(result).toMatchObject({ status: 'error', reason: expect.stringMatching(reason) });
    expect(said).not.toContain(secret);
  });

  it('names a variable that no program can get, and hides its value', async () => {
    const value = JSON.parse(found(/PW = ("[^"]*")/));
    expect(value).toContain('\0');
    const { result, said } = await finish({ secrets: { PW: value } });
    expect(result?.reason).toBe(
      'The variable PW has a NUL character, which no program can get: correct its value',
    );
    for (const part of value.split('\0')) expect(said).not.toContain(part);
  });
});

describe.skipIf(lacksCases)('case 16: a secret in the quotes of a shell or a language', () => {
  it('is masked', async () => {
    const readme = readFileSync(caseFile(16, 'README'), 'utf8');
    const [, PW = '', TOK = ''] = /PW = (.*?) and TOK = (.*?);/.exec(readme) ?? [];
    const script = readFileSync(caseFile(16, 'script.sh'), 'utf8');
    const { result, said } = await finish({ script, secrets: { PW, TOK } });
    expect(result?.status).toBe('success');
    for (const line of [`+ true '***'`, 'declare -x PW="***"', '***', `{1: '***'}`]) {
      expect(said.split('\n')).toContain(line);
    }
    for (const part of ["pa'", 'w$rd', 'abc', '\\def', 'ghi']) expect(said).not.toContain(part);
  });
});

describe('a secret of a task', () => {
  const secret = 'the-secret-of-this-task';

  it('is masked in a reason that quotes it', async () => {
    const { result, said } = await finish({
      app: 'ansible',
      script: '-',
      ansible: { limit: `web,@${secret}` },
      secrets: { SECRET: secret },
    });
    expect(result?.reason).toContain('@***');
    expect(said).not.toContain(secret);
  });

  it('does not appear when the payload cannot be read', async () => {
    const { result, said } = await finish({ secrets: { SECRET: secret }, timeoutMs: 0.5 });
    expect(result?.reason).toContain('these fields are not as this agent expects them: timeoutMs');
    expect(said).not.toContain(secret);
  });
});
