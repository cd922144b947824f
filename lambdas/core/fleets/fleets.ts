/** Fleets as the control plane gets them, and their effect on runners. */
import * as z from 'zod';
import {
  fleet,
  fleetName,
  type IdleWindow,
  type Instant,
  idleTimeoutMs,
  idleWindow,
  isPoweredByStack,
  type Runner,
  region,
  type WhenIdle,
  weekday,
} from '../../../protocol/index.ts';

/** Fleets as CDK passes them; default values are left out, as an environment has little room. */
export const fleetsText = z
  .object({
    stack: z.string().min(1).describe('Begins the names of launch templates and roles'),
    fleets: z.array(
      z.object({
        name: fleetName,
        region,
        tags: fleet.shape.tags.default([]),
        instanceTypes: fleet.shape.instanceTypes.min(1),
        spot: z.boolean().default(false),
        whenIdle: fleet.shape.whenIdle.default('stop'),
        idleTimeoutMs,
        schedule: z.array(idleWindow).default([]),
        maxInstances: z.int().min(1),
        instanceTags: z.record(z.string(), z.string()).optional(),
        subnets: z
          .array(z.string())
          .optional()
          .describe('Without them, those that carry the tag of the stack'),
      }),
    ),
  })
  .transform(({ stack, fleets }) => ({
    stack,
    fleets: fleets.map((one) => ({ ...one, stack, launchTemplate: nameInStack(stack, one.name) })),
  }));

/** Name of a fleet's launch template and of its instances' role: known without a request to its region. */
const nameInStack = (stack: string, name: string): string => `${stack}-${name}`;

export type FleetPlan = z.infer<typeof fleetsText>['fleets'][number];

/**
 * Finds the fleet of a runner; undefined for a runner without one, and when the fleet is no longer in
 * cdk.json.
 */
export const fleetOf = (fleets: readonly FleetPlan[], runner: Pick<Runner, 'fleet'>): FleetPlan | undefined =>
  fleets.find(({ name }) => name === runner.fleet);

/** Groups fleets by region. */
export const fleetsByRegion = (fleets: readonly FleetPlan[]): [FleetPlan, ...FleetPlan[]][] => {
  const byRegion = new Map<string, [FleetPlan, ...FleetPlan[]]>();
  for (const one of fleets) {
    const same = byRegion.get(one.region);
    if (same) same.push(one);
    else byRegion.set(one.region, [one]);
  }
  return [...byRegion.values()];
};

const minutesOf = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
};

/** Returns the local time of a time zone. */
const localTime = (at: Instant, timeZone: string) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
  return {
    day: weekday.options.indexOf(weekday.parse(parts.get('weekday')?.toLowerCase())),
    minutes: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  };
};

const isWithin = (window: IdleWindow, at: Instant): boolean => {
  const { day, minutes } = localTime(at, window.timeZone);
  const from = minutesOf(window.from);
  const to = minutesOf(window.to);
  const beginsOn = (index: number) =>
    window.days.some((one) => weekday.options.indexOf(one) === (index + 7) % 7);
  if (from < to) return beginsOn(day) && minutes >= from && minutes < to;
  return (beginsOn(day) && minutes >= from) || (beginsOn(day - 1) && minutes < to);
};

/**
 * Returns the idle timeout at a moment: in a window of the fleet's schedule that window's, else the runner's.
 * Undefined: the default.
 */
export const idleTimeoutAt = (
  fleets: readonly FleetPlan[],
  runner: Pick<Runner, 'fleet' | 'idleTimeoutMs'>,
  at: Instant,
): number | undefined =>
  fleetOf(fleets, runner)?.schedule.find((window) => isWithin(window, at))?.idleTimeoutMs ??
  runner.idleTimeoutMs;

/** Returns the runner with its idle timeout of that moment. */
export const scheduled = <R extends Runner>(fleets: readonly FleetPlan[], runner: R, at: Instant): R => ({
  ...runner,
  idleTimeoutMs: idleTimeoutAt(fleets, runner, at),
});

/** Returns the way in which a runner's unneeded instance is powered off. */
export const powerOffOf = (fleets: readonly FleetPlan[], runner: Runner): WhenIdle => {
  if (runner.fleet === undefined) return 'stop';
  // EC2 cannot stop a spot instance of a fleet, and one whose agent never started is better replaced.
  if (runner.market === 'spot' || runner.enrolledAt === undefined) return 'terminate';
  return fleetOf(fleets, runner)?.whenIdle ?? 'stop';
};

/** True when an instance must be launched before it can work. */
export const lacksInstance = (runner: Pick<Runner, 'fleet' | 'instanceId' | 'webhookUrl'>): boolean =>
  isPoweredByStack(runner) && runner.instanceId === undefined;
