import { describe, expect, it } from 'vitest';
import { whyNotTheirs } from './instance-owner.ts';

const mine = { projectId: 'prj_mine' } as const;
const byMachine = { ...mine, instanceNamedBy: 'machine' } as const;

describe('an instance', () => {
  it.each([
    ['is allowed to any project without the tag, when a manager binds it', mine, undefined, undefined],
    ['is allowed to its project', mine, 'prj_mine', undefined],
    ['is refused to another project', mine, 'prj_other', 'instance_of_another_project'],
    ['is refused to a project when it is for global runners', mine, 'global', 'instance_of_another_project'],
    ['is allowed to a global runner when it is for those', {}, 'global', undefined],
    ['is refused to a global runner when it is for a project', {}, 'prj_mine', 'instance_of_another_project'],
    ['is refused without the tag to a machine that named it', byMachine, undefined, 'instance_not_confirmed'],
    ['is allowed with the tag to a machine that named it', byMachine, 'prj_mine', undefined],
    ['that a fleet launched is its runner\u2019s', { ...byMachine, fleet: 'sydney' }, 'prj_other', undefined],
  ] as const)('%s', (_, runner, owner, expected) => {
    expect(whyNotTheirs(runner, { owner })).toBe(expected);
  });
});
