/**
 * Fleet: a kind of machine in a region, from which instances are launched for its runners when there is work.
 */
import * as z from 'zod';
import { tag } from './common.ts';
import { region } from './runner.ts';

/** Action on an idle instance. A spot instance of a fleet cannot be stopped, only terminated. */
export const whenIdle = z.enum(['stop', 'hibernate', 'terminate']);
export type WhenIdle = z.infer<typeof whenIdle>;

export const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
export type Weekday = z.infer<typeof weekday>;

/** Weekly window in local time with another idle timeout. */
export const idleWindow = z.object({
  days: z.array(weekday).describe('The days on which it begins'),
  from: z.string().describe('Such as 08:00'),
  to: z.string().describe('Not later than `from`: of the day after; 24:00 is the end of the day'),
  timeZone: z.string().describe('Such as Europe/Berlin'),
  idleTimeoutMs: z.int(),
});
export type IdleWindow = z.infer<typeof idleWindow>;

/** Public part of a fleet. */
export const fleet = z
  .object({
    name: z.string(),
    region,
    tags: z.array(tag).describe('What its runners in projects have unless others are given'),
    instanceTypes: z.array(z.string()),
    spot: z.boolean(),
    whenIdle,
    idleTimeoutMs: z
      .int()
      .optional()
      .describe('What its runners have unless another is given; absent: the default of runners'),
    schedule: z.array(idleWindow),
    maxInstances: z.int().describe('How many runners it may have, each of which has one instance at most'),
    used: z.int().describe('How many it has'),
  })
  .meta({ id: 'Fleet' });
export type Fleet = z.infer<typeof fleet>;
