import { describe, expect, it } from 'vitest';
import { find, pick } from './names.ts';

const all = [
  { id: 'tpl_1', name: 'Deploy' },
  { id: 'tpl_2', name: 'deploy' },
  { id: 'tpl_3', name: 'Patch' },
];

describe('pick', () => {
  it('finds an id, a whole name, or a name in another case when it is unique', () => {
    expect(pick('template', all, 'tpl_2').id).toBe('tpl_2');
    expect(pick('template', all, 'deploy').id).toBe('tpl_2');
    expect(pick('template', all, 'PATCH').id).toBe('tpl_3');
  });

  it('asks for the id when several have the name', () => {
    expect(() => pick('template', all, 'DEPLOY')).toThrow(/2 templates are called DEPLOY.*tpl_1, tpl_2/);
  });

  it('lists the existing names for an unknown one', () => {
    expect(() => pick('template', all, 'nope')).toThrow(/no template "nope".*Deploy, deploy, Patch/);
    expect(() => pick('template', [], 'nope')).toThrow(/There is no template yet/);
  });
});

describe('find', () => {
  /** A list in pages of one, as the API searches it. */
  const read = async function* (search = '', most: number) {
    const found = all.filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(search.toLowerCase()));
    for (const one of found.slice(0, most)) yield [one];
  };

  it('finds one on any page of what a search finds', async () => {
    expect(await find('template', 'deploy', read)).toMatchObject({ id: 'tpl_2' });
    expect(await find('template', 'tpl_3', read)).toMatchObject({ name: 'Patch' });
    await expect(find('template', 'DEPLOY', read)).rejects.toThrow(/2 templates are called DEPLOY/);
  });

  it('lists the first of all names when nothing is found', async () => {
    await expect(find('template', 'nope', read)).rejects.toThrow(/There are: Deploy, deploy, Patch\./);
  });
});
