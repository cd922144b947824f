/** Passes each text to Ansible, too, where it is installed, and compares acceptance and rejection. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { iniFault } from './ini-inventory.ts';
import { yamlFault } from './yaml-text.ts';

const lacksAnsible = spawnSync('ansible-inventory', ['--version']).status !== 0;
if (lacksAnsible)
  console.warn('The texts are not compared with Ansible: there is no ansible-inventory on PATH');

const folder = mkdtempSync(join(tmpdir(), 'reveille-ansible-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `${text}\n`);
  return file;
};

/**
 * Returns the texts that Ansible reads as an inventory: one run, which warns of each file that no plugin can
 * read.
 */
const readAsInventories = (ending: string, texts: readonly string[]): string[] => {
  const files = texts.map((text, index) => write(`inventory${index}.${ending}`, text));
  const args = ['--list', ...files.flatMap((file) => ['-i', file])];
  const { stderr } = spawnSync('ansible-inventory', args, { encoding: 'utf8' });
  const warnings = stderr.replace(/\s/g, '');
  return texts.filter((_, index) => !warnings.includes(`Unabletoparse${files[index]}asaninventorysource`));
};

const checkPlaybooks = (texts: readonly string[]): boolean => {
  const files = texts.map((text, index) => write(`playbook${index}.yml`, text));
  return spawnSync('ansible-playbook', ['--syntax-check', '-i', 'localhost,', ...files]).status === 0;
};

const goodIni = [
  '# all\nmail.example.com ansible_port=22\n\n[web]\nwww[01:50].example.com\ndb-[a:f:2] user="some one" # why\n[::1]:22',
  "[web:vars]\nntp = a b 'c\n; comment\n[all:vars]\nx=[1, 2]\n[web]\na b='' \n[parent:children] # yes\nweb # yes",
  'host:2222 a=\\"b c="d=e"#f\n[hosts-1]\n[hosts-1:hosts]\nlocalhost\r\n[empty]',
  "web_1 ansible_password=\"{{ lookup('env', 'A') }}\" b='{\"c\": 1}'",
];
const badIni: readonly (readonly [text: string, fault: string])[] = [
  ['[web\na', 'line 1, column 5: must be closed by ]'],
  ['a\n  [web hosts]', 'line 2, column 3: must be [group], [group:children] or [group:vars], without spaces'],
  ['[web:host]', 'line 1, column 6: must be "children" or "vars"'],
  ['[a]\n[a:vars]\nb', 'line 3, column 1: must be key=value'],
  ['a b="c', `line 1, column 5: must be closed by another "`],
  ['a b=\\', 'line 1, column 5: must be followed by what it escapes'],
  ['a b', 'line 1, column 3: must be a variable of the host, as in key=value'],
  ['a ; b', 'line 1, column 3: must be a variable of the host, as in key=value'],
  ['all:\n  hosts:', 'line 1, column 4: must be followed by a port'],
  ['---', 'line 1, column 1: begins YAML, not INI'],
  ['db[1:3', 'line 1, column 3: must be closed by ]'],
  ['db[1]', 'line 1, column 3: must be a range such as [1:3] or [a:e:2]'],
  ['db[1:]', 'line 1, column 3: must name the end of the range'],
  ['db[01:100]', 'line 1, column 3: must have as many digits in its begin as in its end'],
  ['db[d:b]', 'line 1, column 3: must begin before it ends'],
  ['db[a:10]', 'line 1, column 3: must be a range of letters or of numbers'],
  ['[a:children]\nb c', 'line 2, column 1: must be a group'],
  ['[c:children]\nd', 'line 2, column 1: the group "d" is declared nowhere'],
  ['[e:vars]\nb=c', 'line 1, column 2: the group "e" is declared nowhere'],
];

describe('iniFault', () => {
  it.each(goodIni)('accepts %j', (text) => expect(iniFault(text)).toBeUndefined());
  it.each(badIni)('refuses %j by line and column', (text, fault) => expect(iniFault(text)).toBe(fault));
  it.skipIf(lacksAnsible)('agrees with ansible-inventory', () => {
    const texts = [...goodIni, ...badIni.map(([text]) => text)];
    expect(readAsInventories('ini', texts)).toEqual(goodIni);
  });
});

const vaulted = '$ANSIBLE_VAULT;1.1;AES256\n33363965326261303234626463623963633531343539616138316433';
const goodYaml = [
  'all:\n  hosts:\n    web-[1:3]:\n      a: "{{ b }}: c"\n  children: {db: {hosts: {db-1: , db-2: }}}',
  'all:\n  hosts:\n    a:\n    a:\n  vars:\n    b: !unsafe "{{ c }}"\n    b: 2',
  'all:\n  vars: &v\n    b: 1\n  hosts:\n    a:\n      <<: *v\n      when: yes',
  `all:\n  hosts:\n    a:\n      secret: !vault |\n        ${vaulted.replace('\n', '\n        ')}`,
  '{"all": {\n\t"hosts": {"a": null}}}',
  'all: {hosts: {\na: {b: [\n1\n]}\n}}',
  'all:\n  vars:\n    text: "one\ntwo"\n  hosts: a',
];
const badYaml: readonly (readonly [text: string, fault: string])[] = [
  ['all:\n  hosts:\n    a:\n   b:', 'line 4, column 4: All mapping items must start at the same column'],
  ['all:\n  hosts:\n\ta:', 'line 3, column 2: Tabs are not allowed as indentation'],
  ['all:\n  vars:\n    a: {{ b }}', 'line 3, column 9: a map or a list is no key: put {{ … }} in quotes'],
  ['all:\n  vars:\n    a: b: c', 'line 3, column 8: Nested mappings are not allowed in compact mappings'],
  ['all:\n  vars:\n    a: "b', 'line 3, column '],
  ['all:\n  vars:\n    a: [b', 'line 3, column '],
  ['all:\n  vars:\n    a: @b', 'line 3, column 8: Plain value cannot start with reserved character @'],
  ['all:\n  hosts: \n---\nb:', 'line 3, column 1: must be one document'],
  ['- a: b', 'line 1, column 1: must be a map of groups'],
];

describe('yamlFault of an inventory', () => {
  it.each(goodYaml)('accepts %j', (text) => expect(yamlFault(text, 'a map of groups')).toBeUndefined());
  it.each(badYaml)('refuses %j by line and column', (text, fault) =>
    expect(yamlFault(text, 'a map of groups')).toContain(fault),
  );
  it.skipIf(lacksAnsible)('agrees with ansible-inventory, which reads INI in place of YAML', () => {
    const good = [...goodYaml, '[web]\na'];
    const texts = [...good, ...badYaml.map(([text]) => text)];
    expect(readAsInventories('yml', texts)).toEqual(good);
  });
  it('accepts a file that is a vault in full', () =>
    expect(yamlFault(vaulted, 'a map of groups')).toBeUndefined());
  it('returns a fault for text nested as deeply as possible', () =>
    expect(yamlFault('['.repeat(200_000), 'a map of groups')).toBeDefined());
});

const goodPlaybooks = [
  '- hosts: all\n  tasks:\n    - name: say\n      debug: msg="{{ a }}"\n      when: b is defined and c == "d"',
  '---\n- hosts: localhost\n  vars:\n    a: !unsafe "{% b %}"\n  tasks:\n  - shell: |\n      echo a: b\n      if [ 1 ]; then\n        true\n      fi',
  '- hosts: localhost\n  gather_facts: no\n  gather_facts: yes\n  tasks: []\n...',
];
const badPlaybooks: readonly (readonly [text: string, fault: string])[] = [
  ['hosts: all', 'line 1, column 1: must be a list of plays'],
  ['echo hello', 'line 1, column 1: must be a list of plays'],
  ['- hosts: all\n  tasks:\n    - debug: msg=a\n     when: b', 'line 4, column 6: '],
  [
    '- hosts: all\n  tasks:\n    - debug:\n        msg: {{ a }}',
    'line 4, column 15: a map or a list is no key',
  ],
];

describe('yamlFault of a playbook', () => {
  it.each(goodPlaybooks)('accepts %j', (text) => expect(yamlFault(text, 'a list of plays')).toBeUndefined());
  it.each(badPlaybooks)('refuses %j by line and column', (text, fault) =>
    expect(yamlFault(text, 'a list of plays')).toContain(fault),
  );
  it.skipIf(lacksAnsible)('agrees with ansible-playbook --syntax-check', () => {
    expect(checkPlaybooks(goodPlaybooks)).toBe(true);
    for (const [text] of badPlaybooks) expect([text, checkPlaybooks([text])]).toEqual([text, false]);
  });
});
