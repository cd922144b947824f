import { describe, expect, it } from 'vitest';
import { whyNotTheirs } from './instance-owner.ts';

const mine = { projectId: 'prj_mine' } as const;
const byMachine = { ...mine, instanceNamedBy: 'machine' } as const;

describe('an instance', () => {
  it.each([
    ['without the tag is whoever has a manager bind it', mine, undefined, undefined],
    ["with the project's id is the project's", mine, 'prj_mine', undefined],
    ["with another project's id is not", mine, 'prj_other', 'instance_of_another_project'],
    ['for global runners is not', mine, 'global', 'instance_of_another_project'],
    ['for global runners is theirs', {}, 'global', undefined],
    ['of a project is not for a global runner', {}, 'prj_mine', 'instance_of_another_project'],
    [
      'that a machine has named is not its own without the tag',
      byMachine,
      undefined,
      'instance_not_confirmed',
    ],
    ['that a machine has named is its own with the tag', byMachine, 'prj_mine', undefined],
    ['that a fleet launched is its runner\u2019s', { ...byMachine, fleet: 'sydney' }, 'prj_other', undefined],
  ] as const)('%s', (_, runner, owner, expected) => {
    expect(whyNotTheirs(runner, { owner })).toBe(expected);
  });
});
