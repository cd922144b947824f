/** Instants and durations in words, with the exact instant on hover. */
import { type ReactNode, useSyncExternalStore } from 'react';
import { epochMs, type Instant } from '../../protocol/index.ts';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const sameDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const sameYear = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

/**
 * Clock shared by all components that show passing time. It ticks each second, and only while one of them is
 * on screen.
 */
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const tick = () => {
  if (document.visibilityState === 'hidden') return;
  now = Date.now();
  for (const listener of listeners) listener();
};
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  timer ??= setInterval(tick, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
};

/** Returns the current time in milliseconds of the epoch, updated each second. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const fromNow = (at: number, present: number): string => {
  const ms = at - present;
  const size = Math.abs(ms);
  if (size < 5 * second) return 'just now';
  if (size < minute) return relative.format(Math.round(ms / second), 'second');
  if (size < hour) return relative.format(Math.round(ms / minute), 'minute');
  if (size < day) return relative.format(Math.round(ms / hour), 'hour');
  if (size < 30 * day) return relative.format(Math.round(ms / day), 'day');
  return otherYear.format(at);
};

const onClock = (at: number, present: number): string => {
  const date = new Date(at);
  const today = new Date(present);
  if (date.toDateString() === today.toDateString()) return sameDay.format(at);
  return (date.getFullYear() === today.getFullYear() ? sameYear : otherYear).format(at);
};

const Shown = ({ at, children }: { readonly at: Instant; readonly children: string }): ReactNode => (
  <time dateTime={at} title={exact.format(epochMs(at))}>
    {children}
  </time>
);

/** Shows "2 minutes ago". */
export const Ago = ({ at }: { readonly at: Instant }): ReactNode => (
  <Shown at={at}>{fromNow(epochMs(at), useNow())}</Shown>
);

/** Shows "14:05", with the day if it is not today. */
export const Moment = ({ at }: { readonly at: Instant }): ReactNode => (
  <Shown at={at}>{onClock(epochMs(at), Date.now())}</Shown>
);

/** Formats as "0 s", "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d 2 h". */
export const formatDuration = (ms: number): string => {
  if (ms <= 0) return '0 s';
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < 10 * second) return `${(ms / second).toFixed(1)} s`;
  if (ms < minute) return `${Math.round(ms / second)} s`;
  const two = (large: number, largeUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
  if (ms < hour) return two(Math.floor(ms / minute), 'min', Math.floor((ms % minute) / second), 's');
  if (ms < day) return two(Math.floor(ms / hour), 'h', Math.floor((ms % hour) / minute), 'min');
  return two(Math.floor(ms / day), 'd', Math.floor((ms % day) / hour), 'h');
};

/** Formats in one unit, for the axis of a chart. */
export const roughDuration = (ms: number): string => {
  const [unit, name] = ms < minute ? [second, 's'] : ms < hour ? [minute, 'min'] : [hour, 'h'];
  return `${Number((ms / unit).toFixed(1))} ${name}`;
};

/** Duration of something that ended, or that still runs. */
export const Duration = ({ from, to }: { readonly from: Instant; readonly to?: Instant }): ReactNode =>
  to === undefined ? <Running from={from} /> : formatDuration(epochMs(to) - epochMs(from));

/** Duration in whole seconds, as it changes each second. */
const Running = ({ from }: { readonly from: Instant }): ReactNode => {
  const ms = Math.max(0, Math.floor((useNow() - epochMs(from)) / second) * second);
  return ms < minute ? `${ms / second} s` : formatDuration(ms);
};
