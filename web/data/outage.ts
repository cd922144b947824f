/**
 * Time since when the control plane has not answered. Any query can notice; one banner shows it for the whole
 * page.
 */
import { useSyncExternalStore } from 'react';
import type { Instant } from '../../protocol/index.ts';
import { ApiProblem } from './request.ts';

/** `undefined` while the control plane answers. */
let since: Instant | undefined;
const listeners = new Set<() => void>();
const set = (next: Instant | undefined) => {
  since = next;
  for (const listener of listeners) listener();
};

/** Returns true when the control plane was not reached, or only the gateway before it. */
const isOutage = (error: Error): boolean =>
  error instanceof ApiProblem &&
  (error.code === 'unreachable' || (error.code === 'unexpected' && error.status >= 502));

export const noticeOutage = (error: Error): void => {
  if (isOutage(error) && since === undefined) set(new Date().toISOString());
};

/** Ends an outage. Returns true when there was one. */
export const noticeAnswer = (): boolean => {
  if (since === undefined) return false;
  set(undefined);
  return true;
};

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useOutage = (): Instant | undefined => useSyncExternalStore(subscribe, () => since);
