/** Costs of instances, compared with instances that never sleep. */
import * as z from 'zod';
import { instant, microUsd } from './common.ts';
import { projectId, runnerId, sessionId } from './ids.ts';
import { market } from './runner.ts';

/** Minimum that EC2 bills at every start; it bills Linux by the second (AWS: On-Demand pricing). */
export const minimumBilledSeconds = 60;

/** On-demand price of an instance type with Linux. */
export const hourlyPrice = z.object({
  microUsdPerHour: z.int().positive(),
  asOf: z
    .string()
    .describe("The day on which AWS's price list said so, or the month of the table that stands in for it"),
});
export type HourlyPrice = z.infer<typeof hourlyPrice>;

/** Run of an instance; open while `endedAt` is absent. */
export const instanceSession = z.object({
  id: sessionId,
  runnerId,
  projectId: projectId.optional().describe('Absent for a global runner'),
  instanceId: z.string(),
  instanceType: z.string().optional(),
  market: market.optional().describe('Absent for an instance that no fleet launched'),
  region: z.string(),
  startedAt: instant,
  endedAt: instant.optional(),
  onlineAt: instant.optional().describe('When its agent first reported'),
  seconds: z.int(),
  billedSeconds: z.int(),
  busyMs: z.int(),
  price: hourlyPrice
    .optional()
    .describe(
      'As it was known when the session ended, which later prices leave as it is; absent while it is open',
    ),
  microUsd: microUsd
    .optional()
    .describe(
      'At the on-demand price, which for spot is the most that it can have cost; absent where the price of the type is not known',
    ),
});
export type InstanceSession = z.infer<typeof instanceSession>;

/** Instance type without a price, or an instance whose type EC2 has not reported. */
export const unpricedTypes = z
  .array(z.object({ instanceType: z.string().optional(), region: z.string() }))
  .describe(
    'Instance types whose price is not known: what ran on them, and what would have, counts as nothing',
  );

export const costQuery = z.object({
  from: instant.optional().describe('30 days ago unless told'),
  to: instant.optional().describe('Now unless told'),
});

export const runnerCost = z.object({
  runnerId,
  name: z.string(),
  sessions: z.int(),
  runSeconds: z.int(),
  billedSeconds: z.int(),
  alwaysOnSeconds: z.int(),
  spentMicroUsd: microUsd,
  alwaysOnMicroUsd: microUsd,
});

export const costReport = z
  .object({
    from: instant,
    to: instant,
    spentMicroUsd: microUsd,
    alwaysOnMicroUsd: microUsd,
    savedMicroUsd: microUsd,
    runners: z.array(runnerCost),
    sessions: z
      .array(instanceSession)
      .describe('Each whole, though only its part in the window is in the sums'),
    tasks: z.array(z.object({ taskId: z.string(), runnerId, microUsd })),
    pricesAsOf: z.string().describe('The oldest date of the prices that it counts with: a day, or a month'),
    unpriced: unpricedTypes,
  })
  .meta({ id: 'CostReport' });
export type CostReport = z.infer<typeof costReport>;
