import { describe, expect, it } from 'vitest';
import { aProjectId, aRunner } from '../testing.ts';
import { explainRoute } from './explain-route.ts';

const tagged = { projectId: aProjectId, tag: 'sydney' };

describe('explainRoute', () => {
  it('names the runner that would take the task, and others that could', () => {
    const runners = [
      aRunner({ tags: ['sydney'], name: 'sydney-1' }),
      aRunner({ tags: ['sydney'], name: 'sydney-2', status: 'online' }),
      aRunner({ name: 'untagged' }),
    ];
    const found = explainRoute(tagged, runners, []);
    expect(found.sentence).toBe(
      'sydney-2 would take it now (online, 0 of 1 slots in use). It has tag sydney. sydney-1 could take it too.',
    );
    expect(found).toMatchObject({ runnerId: runners[1]?.id, isGlobal: false, tag: 'sydney' });
  });

  it('names the missing runner, like the reason of a waiting task', () => {
    expect(explainRoute(tagged, [], []).sentence).toMatch(/^No runner has tag sydney in this project/);
    const inactive = aRunner({ tags: ['sydney'], active: false });
    expect(explainRoute(tagged, [inactive], []).sentence).toMatch(/is inactive/);
  });

  it('sends an untagged task to the global pool when the project has no runner for it', () => {
    const { projectId: _none, ...global } = aRunner({ name: 'shared' });
    const found = explainRoute({ projectId: aProjectId }, [], [global]);
    expect(found.sentence).toMatch(/^Global runner shared would take it now/);
    expect(found.isGlobal).toBe(true);
  });
});
