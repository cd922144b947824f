import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProjectId, TaskId } from '../../../protocol/index.ts';
import { afterTurn, type InLine, inTurn, rankOf } from './order.ts';

const projects: readonly ProjectId[] = ['prj_A', 'prj_B', 'prj_C'];
const idOf = (number: number): TaskId => `tsk_${String(number).padStart(4, '0')}`;
const waiting = (projectId: ProjectId, number: number, priority = 0): InLine => {
  const id = idOf(number);
  return { projectId, id, rank: rankOf({ id, priority }) };
};
const none: ReadonlyMap<ProjectId, number> = new Map();

const line = fc
  .array(
    fc.record({ projectId: fc.constantFrom(...projects), priority: fc.integer({ min: -100, max: 100 }) }),
    {
      maxLength: 30,
    },
  )
  .map((all) => all.map(({ projectId, priority }, number) => waiting(projectId, number, priority)));

describe('the rank of a task', () => {
  it('puts the higher priority first, then the earlier arrival', () => {
    const ranks = [
      rankOf({ id: idOf(3), priority: 100 }),
      rankOf({ id: idOf(1) }),
      rankOf({ id: idOf(2), priority: 0 }),
      rankOf({ id: idOf(0), priority: -100 }),
    ];
    expect(ranks.toSorted()).toEqual(ranks);
  });
});

describe('turns in the global pool', () => {
  it('alternate between a busy project and one that came later', () => {
    const busy = [0, 1, 2, 3].map((number) => waiting('prj_A', number));
    const late = [4, 5].map((number) => waiting('prj_B', number));
    expect(inTurn([...busy, ...late], none, []).map(({ id }) => id)).toEqual([0, 4, 1, 5, 2, 3].map(idOf));
  });

  it('go first to the project with the fewest running tasks, then to the one that was served longest ago', () => {
    const all = projects.map((projectId, number) => waiting(projectId, number));
    const held = new Map<ProjectId, number>([['prj_A', 1]]);
    expect(inTurn(all, held, ['prj_C', 'prj_B'])[0]?.projectId).toBe('prj_C');
    expect(inTurn(all, none, ['prj_B', 'prj_A'])[0]?.projectId).toBe('prj_C');
  });

  it('neither lose nor invent a task, and keep the order within each project', () => {
    fc.assert(
      fc.property(line, fc.uniqueArray(fc.constantFrom(...projects)), (tasks, served) => {
        const turns = inTurn(tasks, none, served);
        expect(turns.map(({ id }) => id).toSorted()).toEqual(tasks.map(({ id }) => id).toSorted());
        for (const projectId of projects) {
          const own = turns.filter((task) => task.projectId === projectId).map(({ rank }) => rank);
          expect(own).toEqual(own.toSorted());
        }
      }),
    );
  });

  it('do not depend on the read order of the line', () => {
    fc.assert(
      fc.property(line, fc.nat(), (tasks, turn) => {
        const cut = tasks.length === 0 ? 0 : turn % tasks.length;
        const turned = [...tasks.slice(cut), ...tasks.slice(0, cut)];
        expect(inTurn(turned, none, [])).toEqual(inTurn(tasks, none, []));
      }),
    );
  });

  it('never let a project wait while another is served twice, on a runner with one slot', () => {
    fc.assert(
      fc.property(line, (tasks) => {
        let left = [...tasks];
        let served: ProjectId[] = [];
        const history: ProjectId[] = [];
        while (left.length > 0) {
          const [next] = inTurn(left, none, served);
          if (!next) throw new Error('nobody is next');
          const waits = new Set(left.map(({ projectId }) => projectId));
          for (const other of waits) {
            const since = history.slice(history.lastIndexOf(other) + 1);
            const isServedAgain = since.includes(next.projectId) && next.projectId !== other;
            expect(isServedAgain).toBe(false);
          }
          history.push(next.projectId);
          served = afterTurn(served, next.projectId);
          left = left.filter(({ id }) => id !== next.id);
        }
      }),
    );
  });
});
