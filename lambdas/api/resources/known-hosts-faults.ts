/** Checks the known-hosts field of keys, repositories and inventories when it changes. */
import { knownHostsFault } from '../../core/resources/known-hosts.ts';
import type { FieldErrors } from '../../problems.ts';

export const knownHostsFaults = (
  path: string,
  text: string | undefined,
  before: string | undefined,
): FieldErrors => {
  const message = text === undefined || text === before ? undefined : knownHostsFault(text);
  return message === undefined ? [] : [{ path, message }];
};
