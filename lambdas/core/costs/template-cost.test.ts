import { describe, expect, it } from 'vitest';
import { costByTemplate } from './template-cost.ts';

const [first, second] = ['run_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'run_01ARZ3NDEKTSV4RRFFQ69G5FAX'] as const;
const [deploy, check] = ['tpl_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'tpl_01ARZ3NDEKTSV4RRFFQ69G5FAX'] as const;
const task = (templateId: typeof deploy | typeof check, microUsd: number, runnerId?: typeof first) => ({
  templateId,
  templateName: templateId === deploy ? 'Deploy' : 'Check',
  runMs: 1000,
  microUsd,
  runnerId,
});

describe('costByTemplate', () => {
  it("shares out a runner's always-on cost by the cost of its tasks", () => {
    const costs = [task(deploy, 300, first), task(check, 100, first), task(deploy, 50, first)];
    expect(costByTemplate(costs, new Map([[first, 9000]]))).toEqual([
      { templateId: deploy, name: 'Deploy', tasks: 2, runMs: 2000, microUsd: 350, alwaysOnMicroUsd: 7000 },
      { templateId: check, name: 'Check', tasks: 1, runMs: 1000, microUsd: 100, alwaysOnMicroUsd: 2000 },
    ]);
  });

  it.each([
    ['ran on no known runner', task(deploy, 0)],
    ['ran where the price is unknown', task(deploy, 0, first)],
    ['ran where nobody pays for the machine', task(deploy, 10, first)],
  ])('returns no always-on cost for a template that %s', (_, cost) => {
    const [row] = costByTemplate([cost], new Map([[second, 9000]]));
    expect(row).toMatchObject({ tasks: 1, microUsd: cost.microUsd });
    expect(row?.alwaysOnMicroUsd).toBeUndefined();
  });
});
