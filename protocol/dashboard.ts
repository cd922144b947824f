/** Reports of the control plane: routing, timelines, costs over time, the dashboard. */
import * as z from 'zod';
import { instant, microUsd, tag } from './common.ts';
import { unpricedTypes } from './cost.ts';
import { inventoryId, runnerId, taskId, templateId } from './ids.ts';
import { runner, runnerStatus } from './runner.ts';
import { task, taskStatus } from './task.ts';

/**
 * Task to route: an existing template, or the values of one. The template's tag wins over its inventory's.
 */
export const routingQuery = z.object({
  templateId: templateId.optional().describe('A template as it is stored; the other two are then ignored'),
  tag: tag.optional().describe("A template's tag"),
  inventoryId: inventoryId
    .optional()
    .describe("A template's inventory, whose tag counts where there is no `tag`"),
});

export const routing = z
  .object({
    tag: tag.optional().describe('As resolved'),
    isGlobal: z.boolean().describe('Whether the task would go to the global pool'),
    runnerId: runnerId.optional().describe('The runner that would be assigned a task that came now'),
    runners: z
      .array(z.object({ id: runnerId, name: z.string(), status: runnerStatus, canServe: z.boolean() }))
      .describe('All that poll its queue'),
    sentence: z.string().describe('Who would take a task now, or what is missing'),
  })
  .meta({ id: 'Routing' });
export type Routing = z.infer<typeof routing>;

export const taskStepName = z.enum([
  'queued',
  'runner_chosen',
  'webhook_sent',
  'instance_starting',
  'agent_online',
  'claimed',
  'running',
  'finished',
  'instance_stopped',
]);

export const taskTimeline = z
  .object({
    taskId,
    attempt: z.int(),
    steps: z
      .array(
        z.object({
          step: taskStepName,
          at: instant.optional().describe('Absent: not yet, or not needed'),
          isNeeded: z
            .boolean()
            .describe('False for a step that is left out, as when the runner was up already'),
          detail: z.string().optional(),
        }),
      )
      .describe('All nine, in the order in which they happen'),
  })
  .meta({ id: 'Trip' });
export type TaskTimeline = z.infer<typeof taskTimeline>;

/** Maximum length, so that a request reads few items. */
export const longestTimelineMs = 7 * 86_400_000;
export const timelineQuery = z.object({
  from: instant.optional().describe('24 hours before `to` unless told; 7 days at most'),
  to: instant.optional().describe('Now unless told'),
});

/** State of a runner. `waking`: from the start of the instance to its agent's first heartbeat. */
export const bandState = z.enum(['asleep', 'waking', 'busy', 'idle']);
export type BandState = z.infer<typeof bandState>;
export const band = z.object({ state: bandState, from: instant, to: instant });
export type Band = z.infer<typeof band>;

export const timeline = z
  .object({
    runnerId,
    from: instant,
    to: instant,
    bands: z.array(band).describe('Without gaps, oldest first'),
    tasks: z.array(
      z.object({ id: taskId, templateName: z.string(), status: taskStatus, from: instant, to: instant }),
    ),
    isPartial: z.boolean().describe('Whether there were more tasks than are read at once'),
  })
  .meta({ id: 'Timeline' });
export type Timeline = z.infer<typeof timeline>;

/** Minutes that the caller's clock is ahead of UTC. */
const utcOffsetMinutes = z.coerce.number().int().min(-840).max(840).default(0);

export const longestHistoryDays = 92;
export const costHistoryQuery = z.object({
  from: instant.optional().describe('30 days ago unless told; 92 days before `to` at most'),
  to: instant.optional().describe('Now unless told'),
  utcOffsetMinutes: utcOffsetMinutes.describe('Where days begin'),
});

const split = {
  bootingMs: z.int(),
  workingMs: z.int().describe('At least one task ran'),
  idleMs: z.int(),
  spentMicroUsd: microUsd,
};
const calendarDay = z.iso.date();

/** Estimated cost of a runner's past work with another idle timeout. */
export const idlePolicyEstimate = z.object({
  idleTimeoutMs: z.int().optional().describe('Absent: the default of runners'),
  starts: z.int().describe('How often a task would have had to wait for a boot'),
  waitedMs: z.int().describe('For those boots, in all'),
  microUsd: microUsd,
});
export type IdlePolicyEstimate = z.infer<typeof idlePolicyEstimate>;

export const costHistory = z
  .object({
    from: instant,
    to: instant,
    days: z.array(
      z.object({
        day: calendarDay,
        ...split,
        alwaysOnMicroUsd: microUsd,
        savedMicroUsd: microUsd,
        tasks: z.int(),
      }),
    ),
    runners: z.array(
      z.object({
        runnerId,
        name: z.string(),
        ...split,
        alwaysOnMicroUsd: microUsd
          .optional()
          .describe(
            'Had its instance never slept; absent for a global or removed runner, and where the price is not known',
          ),
        idleTimeoutMs: z
          .int()
          .optional()
          .describe('As it is set now; absent for the default, and for one that was removed'),
        meanBootMs: z.int().optional(),
        policies: z
          .array(idlePolicyEstimate)
          .describe('Empty for a global runner, and where the price is not known'),
      }),
    ),
    templates: z.array(
      z.object({
        templateId,
        name: z.string(),
        tasks: z.int(),
        runMs: z.int(),
        microUsd: microUsd,
        alwaysOnMicroUsd: microUsd
          .optional()
          .describe(
            'Its part of what its runners would have cost had they never slept, by what their tasks cost',
          ),
      }),
    ),
    withoutTaskMicroUsd: microUsd.describe(
      'What no template bears: runs of instances in which no task of theirs ran, such as after a wake by hand',
    ),
    unpriced: unpricedTypes,
    isPartial: z.boolean().describe('Whether there were more tasks than are read at once; the newest count'),
  })
  .meta({ id: 'CostHistory' });
export type CostHistory = z.infer<typeof costHistory>;

export const dashboardQuery = z.object({
  days: z.coerce.number().int().min(1).max(31).default(14),
  utcOffsetMinutes: utcOffsetMinutes.describe('Where days begin'),
});

const listedTask = task.omit({ hosts: true });

export const liveTasks = z
  .object({
    running: z.array(listedTask).describe('The newest that a runner holds, newest first: 20 at most'),
    waiting: z.array(listedTask).describe('The next that wait, with the reason, next first: 20 at most'),
    counts: z.object({
      running: z.int(),
      waiting: z.int(),
      isPartial: z.boolean().describe('There are more: only the first 5,000 are counted'),
    }),
    awake: z.object({
      count: z.int().describe("The project's runners that are awake"),
      first: z.array(runner).describe('8 of them at most'),
    }),
  })
  .meta({ id: 'LiveTasks' });
export type LiveTasks = z.infer<typeof liveTasks>;

export const dashboard = z
  .object({
    from: instant,
    to: instant,
    failures: z.array(listedTask).describe('The last ten that failed within the days'),
    days: z.array(
      z.object({
        day: calendarDay,
        succeeded: z.int(),
        failed: z.int(),
        stopped: z.int(),
        medianRunMs: z.int().optional(),
        medianWaitMs: z.int().optional().describe('From start to claim'),
      }),
    ),
    spentMicroUsd: microUsd,
    alwaysOnMicroUsd: microUsd,
    savedMicroUsd: microUsd,
    unpriced: unpricedTypes,
    isPartial: z.boolean().describe('Whether there were more tasks than are read at once; the newest count'),
  })
  .meta({ id: 'Dashboard' });
export type Dashboard = z.infer<typeof dashboard>;
