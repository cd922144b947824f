/**
 * EventBridge: rules with a pattern get the matching events; rules with a schedule get one event per period.
 */
import { randomUUID } from 'node:crypto';
import type { Place } from '../template/resource-ids.ts';
import type { RuleSpec } from '../template/stack-spec.ts';
import type { AsyncInvoker } from './async-invoke.ts';
import { matchesPattern } from './event-pattern.ts';

export interface BusEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  readonly region?: string;
}

export interface EventBusOptions {
  readonly rules: readonly RuleSpec[];
  readonly place: Place;
  readonly deliver: AsyncInvoker['deliver'];
  readonly now: () => Date;
}

export interface EventBus {
  put(event: BusEvent): void;
  /** Starts the schedules. */
  start(): void;
  stop(): void;
}

const unitMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Period of `rate(5 minutes)` in milliseconds; throws an error that names any other expression. */
export const periodOf = (schedule: string): number => {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
  const ms = unitMs[unit];
  if (!count || !ms) throw new Error(`The stack on one machine knows no schedule ${schedule}, only rates.`);
  return Number(count) * ms;
};

/**
 * True if a rule in the event's region forwards the event to the control plane's default bus. Without one,
 * the bus never receives it.
 */
export const passesOn = (
  rules: readonly RuleSpec[],
  { region, accountId }: Place,
  event: BusEvent,
): boolean =>
  rules.some(
    ({ pattern, targetArns }) =>
      pattern !== undefined &&
      targetArns.includes(`arn:aws:events:${region}:${accountId}:event-bus/default`) &&
      matchesPattern(pattern, event),
  );

export const makeEventBus = ({ rules, place, deliver, now }: EventBusOptions): EventBus => {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;

  const envelope = (event: BusEvent) => ({
    version: '0',
    id: randomUUID(),
    account: place.accountId,
    time: now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z'),
    region: place.region,
    ...event,
  });

  const patterns = rules.flatMap(({ pattern, targetArns }) => (pattern ? [{ pattern, targetArns }] : []));
  return {
    put: (event) => {
      if (stopped) return;
      const whole = envelope(event);
      for (const { pattern, targetArns } of patterns) {
        if (matchesPattern(pattern, whole)) for (const arn of targetArns) void deliver(arn, whole);
      }
    },
    start: () => {
      for (const { arn: rule, schedule, targetArns } of rules) {
        if (schedule === undefined) continue;
        const tick = () => {
          const event = envelope({
            source: 'aws.events',
            'detail-type': 'Scheduled Event',
            resources: [rule],
            detail: {},
          });
          for (const arn of targetArns) void deliver(arn, event);
        };
        timers.add(setInterval(tick, periodOf(schedule)));
      }
    },
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
