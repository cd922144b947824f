import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../../protocol/agent.ts';
import { type GitServer, startGitServer } from '../../runner-agent/testing/git-server.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { isMissing } from './tools.ts';

const lacksAnsible = isMissing('ansible-galaxy');
const lacksTerraform = isMissing('terraform');
const password = 'the-password-of-the-repository';
const key = { type: 'login_password' as const, login: 'deploy', password };

let fixture: TaskFixture;
let server: GitServer;
beforeEach(async () => {
  fixture = await openTaskFixture();
  server = await startGitServer({ folder: fixture.folder, login: `deploy:${password}` });
});
afterEach(async () => {
  server?.close();
  await fixture?.close();
});

const run = (given: Partial<TaskPayload>) =>
  fixture.run({
    variables: { GIT_SSL_CAINFO: server.certificate },
    repository: { url: `${server.url}/app/.git`, branch: 'main', key },
    ...given,
  });

/** Ansible and Terraform files that fetch something from a git server first. */
const playbook = '- hosts: localhost\n  gather_facts: false\n  roles: [third]\n';
const configuration = (source: string) => `module "third" {\n  source = "git::${source}"\n}\n`;

describe.skipIf(lacksCases)('case 02: the host that is not the repository’s', () => {
  const address = 'http://127.0.0.1:23930';
  let listener: Server;
  let seen: { path: string; authorization: string | undefined }[];

  beforeEach(async () => {
    seen = [];
    // Like listener.py of the case: asks for a login, and accepts any.
    listener = createServer(({ url = '', headers: { authorization } }, response) => {
      seen.push({ path: url, authorization });
      response.writeHead(authorization ? 404 : 401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    expect(readFileSync(caseFile(2, 'listener.py'), 'utf8')).toContain("('127.0.0.1',23930)");
    await new Promise<void>((resolve) => listener.listen(23930, '127.0.0.1', resolve));
  });
  afterEach(() => {
    listener?.close();
    listener?.closeAllConnections();
  });

  /** Expects that the host was asked and got no login. */
  const expectNoLogin = (path: string) => {
    expect(seen.map((request) => request.path)).toContainEqual(expect.stringContaining(path));
    expect(seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  };

  it('gets no login for a submodule', async () => {
    const app = await fixture.repository('app', {
      'run.sh': 'true',
      '.gitmodules': readFileSync(caseFile(2, 'gitmodules'), 'utf8'),
    });
    const commit = fixture.git(app, 'rev-parse', 'HEAD');
    fixture.git(app, 'update-index', '--add', '--cacheinfo', `160000,${commit},third`);
    fixture.git(app, 'commit', '--quiet', '-m', 'With a submodule');
    const { result } = await run({ path: 'run.sh' });
    expect(result).toMatchObject({ status: 'error', reason: expect.stringContaining('Cannot fetch') });
    expectNoLogin('/third/party.git');
  });

  it.skipIf(lacksAnsible)('gets no login for a galaxy role', async () => {
    await fixture.repository('app', {
      'site.yml': playbook,
      'requirements.yml': readFileSync(caseFile(2, 'requirements.yml'), 'utf8'),
    });
    const { result } = await run({ app: 'ansible', path: 'site.yml' });
    expect(result.reason).toContain('ansible-galaxy ended with exit code');
    expectNoLogin('/role/third.git');
  });

  it.skipIf(lacksTerraform)('gets no login for a Terraform module', async () => {
    await fixture.repository('app', { 'main.tf': configuration(`${address}/module.git`) });
    const { result } = await run({ app: 'terraform', path: 'main.tf' });
    expect(result.reason).toContain('terraform init ended with exit code 1');
    expectNoLogin('/module.git');
  });

  it('gets no login when the repository’s own URL redirects to it', async () => {
    await fixture.repository('app', { 'run.sh': 'true' });
    server.redirect('/app', `${address}/app`);
    const { result } = await run({ path: 'run.sh' });
    expect(result.reason).toContain('Cannot fetch');
    expectNoLogin('/app/.git');
  });
});

describe('a source on the server of the repository', () => {
  it.skipIf(lacksAnsible)('is fetched with its login: a galaxy role', async () => {
    await fixture.repository('third', {
      'tasks/main.yml': '- ansible.builtin.debug: {msg: "greetings from the role"}\n',
      'meta/main.yml':
        'galaxy_info: {author: test, description: x, license: x, min_ansible_version: "2.14"}\n',
    });
    await fixture.repository('app', {
      'site.yml': playbook,
      'requirements.yml': `- src: ${server.url}/third/.git\n  scm: git\n  version: main\n  name: third\n`,
    });
    const { result, output } = await run({ app: 'ansible', path: 'site.yml' });
    expect(result.status).toBe('success');
    expect(output).toContain('greetings from the role');
  });

  it.skipIf(lacksTerraform)('is fetched with its login: a Terraform module', async () => {
    await fixture.repository('third', { 'main.tf': 'output "greeting" { value = "from the module" }\n' });
    await fixture.repository('app', {
      'main.tf': `${configuration(`${server.url}/third/.git`)}output "said" { value = module.third.greeting }\n`,
    });
    const { result, output } = await run({
      app: 'terraform',
      path: 'main.tf',
      terraform: { autoApprove: true, confirmTimeoutMs: 1000 },
    });
    expect(result).toMatchObject({ status: 'success' });
    expect(output).toContain('from the module');
  });
});
