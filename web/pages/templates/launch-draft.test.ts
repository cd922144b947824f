import { describe, expect, it } from 'vitest';
import { type LaunchTemplate, launchOption, nestValues } from '../../../protocol/index.ts';
import { changedValues, draftOf, savedDraft, shownText, typedValues } from './launch-draft.ts';

const template: LaunchTemplate = {
  app: 'ansible',
  ansible: { limit: 'staging', tags: ['a', 'b'], diff: true },
  arguments: ['-e', 'x=1'],
  timeoutMs: 3_600_000,
  priority: 0,
  launch: ['limit', 'diff', 'timeout'],
};

describe('a draft of launch options', () => {
  it('shows the template’s value until another is typed', () => {
    const shown = launchOption.options.map((option) => [option, shownText(template, {}, option)]);
    expect(Object.fromEntries(shown)).toMatchObject({
      limit: 'staging',
      tags: 'a, b',
      check: 'false',
      diff: 'true',
      arguments: '-e\nx=1',
      timeout: '60',
      commit: '',
    });
    expect(shownText(template, { limit: 'web' }, 'limit')).toBe('web');
  });

  it('returns only values that differ from the template, and none for an empty field', () => {
    const draft = { limit: ' web ', diff: 'true', check: 'true', timeout: '2', tags: '' };
    expect(changedValues(template, draft, launchOption.options)).toEqual({
      ansible: { limit: 'web', check: true },
      timeoutMs: 120_000,
    });
    expect(changedValues(template, draft, ['limit'])).toEqual({ ansible: { limit: 'web' } });
  });

  it('is unchanged after a round trip through the API', () => {
    const values = {
      ansible: { limit: 'web', tags: ['x', 'y'], check: false, verbosity: 2 },
      repository: { branch: 'feature/x' },
      arguments: ['-e', 'a=b, c'],
      timeoutMs: 90_000,
      priority: -5,
    };
    expect(typedValues(savedDraft(values), launchOption.options)).toEqual(values);
    expect(typedValues(draftOf([['terraformAction', 'plan']]), launchOption.options)).toEqual(
      nestValues([['terraformAction', 'plan']]),
    );
  });
});
