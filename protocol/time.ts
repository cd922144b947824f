/** Arithmetic on instants. Pure: the present time is always an argument. */
import type { Instant } from './common.ts';

/** Returns the present time; passed in where time matters. */
export type Clock = () => Instant;

export const toInstant = (epochMs: number): Instant => new Date(epochMs).toISOString();

export const epochMs = (at: Instant): number => Date.parse(at);

export const addMs = (at: Instant, ms: number): Instant => toInstant(epochMs(at) + ms);

/** Returns milliseconds from `from` to `to`; negative when `to` is earlier. */
export const msBetween = (from: Instant, to: Instant): number => epochMs(to) - epochMs(from);
