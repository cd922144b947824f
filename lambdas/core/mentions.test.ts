import { describe, expect, it } from 'vitest';
import { isFound } from './mentions.ts';

describe('isFound', () => {
  const template = { id: 'tpl_01J', name: 'Deploy the shop', description: 'Every night', tag: 'sydney' };

  it('finds a part of the name, description, tag or id in any case', () => {
    for (const search of ['SHOP', 'night', 'Sydney', 'tpl_01j']) expect(isFound(template, search)).toBe(true);
    expect(isFound(template, 'melbourne')).toBe(false);
  });

  it('finds one of several tags', () => {
    expect(isFound({ tags: ['sydney', 'gpu'] }, 'GP')).toBe(true);
  });

  it('finds everything without a search', () => {
    expect(isFound({}, undefined)).toBe(true);
  });
});
