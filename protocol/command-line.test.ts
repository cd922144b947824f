/** Every user value on the command line of a task's program, and the values that it must reject. */
import { describe, expect, it } from 'vitest';
import { newId } from '../lambdas/adapters/ids.ts';
import { gitReferenceFault, gitUrlFault } from './git-arguments.ts';
import { inventoryInput, repositoryInput, taskInput, templateInput } from './index.ts';

type Accepts = (value: string) => boolean;

const template = { name: 'T', app: 'ansible', script: '-' };
const inTemplate = (more: object): boolean => templateInput.safeParse({ ...template, ...more }).success;
const inTerraform = (terraform: object) => inTemplate({ app: 'terraform', terraform });
const inTask = (ansible: object): boolean =>
  taskInput.safeParse({ templateId: newId('tpl'), ansible }).success;
const asRepository = (more: object): boolean =>
  repositoryInput.safeParse({ name: 'R', url: 'https://git.example.test/a.git', ...more }).success;

const flags = ['-x', '--flag=x'];
const notOneWord = ['a b', 'a,b', '', 'a\u0000b'];
const refspecs = [
  '+main',
  'main:refs/heads/x',
  '^main',
  'refs/heads/*',
  'a..b',
  'main~1',
  'main@{1}',
  'a\\b',
];

/** Place of the value; its check; good values; values with another meaning to the program. */
const rows: [place: string, accepts: Accepts, good: string[], bad: string[]][] = [
  [
    'ansible-playbook --limit, of a template',
    (limit) => inTemplate({ ansible: { limit } }),
    ['web', 'web:&staging', 'user@host'],
    [...flags, '', '@/etc/passwd', 'web,@f', 'web:!@f'],
  ],
  [
    'ansible-playbook --limit, of a task',
    (limit) => inTask({ limit }),
    ['web'],
    [...flags, '', '@/etc/passwd', 'web;@f'],
  ],
  [
    'ansible-playbook --tags',
    (tag) => inTask({ tags: [tag] }),
    ['deploy', 'never'],
    [...flags, ...notOneWord],
  ],
  ['ansible-playbook --skip-tags', (tag) => inTask({ skipTags: [tag] }), ['slow'], [...flags, ...notOneWord]],
  [
    'ansible-playbook --vault-id <value>@file',
    (vaultId) => inTemplate({ ansible: { vaultKeys: [{ keyId: newId('key'), vaultId }] } }),
    ['prod', 'a.b-c'],
    [...flags, 'a@b', 'a b', ''],
  ],
  [
    'ansible-playbook --inventory <checkout>/<value>',
    (path) => inventoryInput.safeParse({ name: 'I', type: 'file', path }).success,
    ['hosts.yml', 'inventories/prod'],
    ['/etc/passwd', '../x', 'a/../../x', ''],
  ],
  [
    'the program, as <checkout>/<value>',
    (path) => inTemplate({ script: undefined, repositoryId: newId('rep'), path }),
    ['site.yml', '-x.yml'],
    ['/etc/passwd', '../x', ''],
  ],
  [
    'terraform workspace select',
    (workspace) => inTerraform({ workspace }),
    ['staging', 'a.b~c'],
    [...flags, 'a b', ''],
  ],
  [
    'terraform init -backend-config=<value>=x',
    (key) => inTerraform({ backendConfig: { [key]: 'x' } }),
    ['bucket'],
    [...flags, 'a=b', 'a b', '', '__proto__'],
  ],
  [
    'git fetch <value>',
    (url) => asRepository({ url }),
    [
      'https://git.example.test/a.git',
      'ssh://git@git.example.test:22/a.git',
      'git@git.example.test:a.git',
      'file:///srv/a.git',
      '/srv/a.git',
    ],
    [
      ...flags,
      'ext::sh -c id',
      'ssh://-oProxyCommand=id/a.git',
      'ssh://git@-oProxyCommand=id/a.git',
      '-oProxyCommand=id@git.example.test:a.git',
      'git@-x:a.git',
      'http://user:password@git.example.test/a.git',
      'https://user:password@git.example.test/a.git',
    ],
  ],
  [
    'git fetch url <value>:ref',
    (branch) => asRepository({ branch }),
    ['main', 'feature/x', 'v1.0', 'refs/pull/1/head', 'user@work', '0123abcd'],
    [...flags, ...refspecs, 'a b', ''],
  ],
];

describe('a value for a command line', () => {
  it.each(rows)('is accepted or rejected by its use: %s', (_, accepts, good, bad) => {
    expect(good.filter((value) => !accepts(value))).toEqual([]);
    expect(bad.filter(accepts)).toEqual([]);
  });

  it('is rejected by the agent, too, when 0.1.0 has stored it', () => {
    for (const reference of refspecs) expect(gitReferenceFault(reference)).toContain('must be the name');
    expect(gitUrlFault('git@-x:a.git')).toContain('begins with "-"');
  });
});
