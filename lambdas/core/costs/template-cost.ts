/** Costs of templates, compared with machines that never sleep. */
import type { RunnerId, TemplateId } from '../../../protocol/index.ts';
import { sum } from './sum.ts';

/** Part of a session's cost for a task. */
export interface TaskCost {
  readonly templateId: TemplateId;
  readonly templateName: string;
  readonly runMs: number;
  readonly microUsd: number;
  /** Absent when no session is known. */
  readonly runnerId?: RunnerId;
}

export interface TemplateCost {
  readonly templateId: TemplateId;
  readonly name: string;
  readonly tasks: number;
  readonly runMs: number;
  readonly microUsd: number;
  /** Absent when no task ran on a runner whose always-on cost is known. */
  readonly alwaysOnMicroUsd?: number;
}

const totalOf = (costs: readonly TaskCost[]): number => sum(costs.map(({ microUsd }) => microUsd));

/**
 * Sums the tasks' costs by template. A machine that is always on serves all tasks. Each template thus bears
 * its runners' always-on cost in proportion to its tasks' cost. `alwaysOn` has that cost by runner, in
 * microUsd.
 */
export const costByTemplate = (
  costs: readonly TaskCost[],
  alwaysOn: ReadonlyMap<RunnerId, number>,
): TemplateCost[] => {
  const byRunner = Map.groupBy(costs, ({ runnerId }) => runnerId);
  const alwaysOnShare = ({ runnerId, microUsd }: TaskCost): number | undefined => {
    const whole = runnerId && alwaysOn.get(runnerId);
    const spent = totalOf(byRunner.get(runnerId) ?? []);
    return whole === undefined || spent === 0 ? undefined : (whole * microUsd) / spent;
  };
  return [...Map.groupBy(costs, ({ templateId }) => templateId)].map(([templateId, its]) => {
    const shares = its.map(alwaysOnShare).filter((share) => share !== undefined);
    return {
      templateId,
      name: its[0]?.templateName ?? '',
      tasks: its.length,
      runMs: sum(its.map(({ runMs }) => runMs)),
      microUsd: totalOf(its),
      alwaysOnMicroUsd: shares.length > 0 ? Math.round(sum(shares)) : undefined,
    };
  });
};
