import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyRunners, aProjectId, aRunner } from '../testing.ts';
import { globalQueue, projectQueue, queuesOf, resolveTag, route } from './routing.ts';

const globalRunner = () => {
  const { projectId: _, ...runner } = aRunner({ name: 'global-1' });
  return runner;
};

describe('resolveTag', () => {
  it("prefers the template's tag to its inventory's", () => {
    expect(resolveTag({ tag: 'sydney' }, { tag: 'tokyo' })).toBe('sydney');
    expect(resolveTag({}, { tag: 'tokyo' })).toBe('tokyo');
    expect(resolveTag({}, {})).toBeUndefined();
    expect(resolveTag({})).toBeUndefined();
  });
});

describe('route', () => {
  const task = { projectId: aProjectId };

  it('sends a tagged task only to runners with that tag, and never out of its project', () => {
    fc.assert(
      fc.property(anyRunners(), fc.constantFrom('sydney', 'mars'), (runners, tag) => {
        const { queue, runners: found } = route({ ...task, tag }, runners, [globalRunner()]);
        expect(queue).toBe(projectQueue(aProjectId, tag));
        expect(found).toEqual(runners.filter((runner) => runner.tags.includes(tag)));
      }),
    );
  });

  it('sends an untagged task to untagged project runners, and to the global pool only without an active one', () => {
    fc.assert(
      fc.property(anyRunners(), (runners) => {
        const global = [globalRunner()];
        const { queue, runners: found } = route(task, runners, global);
        const own = runners.filter((runner) => runner.tags.length === 0);
        if (own.some((runner) => runner.active)) {
          expect(queue).toBe(projectQueue(aProjectId));
          expect(found).toEqual(own);
        } else {
          expect(queue).toBe(globalQueue);
          expect(found).toEqual(global);
        }
      }),
    );
  });

  it('returns only runners that poll the returned queue', () => {
    fc.assert(
      fc.property(
        anyRunners(),
        fc.option(fc.constantFrom('sydney', 'tokyo'), { nil: undefined }),
        (runners, tag) => {
          const { queue, runners: found } = route({ ...task, tag }, runners, [globalRunner()]);
          for (const runner of found) expect(queuesOf(runner)).toContain(queue);
        },
      ),
    );
  });
});
