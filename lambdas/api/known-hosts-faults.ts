/** Checks the field of known hosts that keys, repositories and inventories have, when they are saved. */
import { knownHostsFault } from '../core/known-hosts.ts';
import type { FieldErrors } from '../problems.ts';

export const knownHostsFaults = (path: string, text: string | undefined): FieldErrors => {
  const message = text === undefined ? undefined : knownHostsFault(text);
  return message === undefined ? [] : [{ path, message }];
};
