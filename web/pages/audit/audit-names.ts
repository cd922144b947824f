/** Looks up names for events of version 0.1.0, which have ids only. */
import { queryOptions, useQueries } from '@tanstack/react-query';
import * as z from 'zod';
import { type AuditTarget, page } from '../../../protocol/index.ts';
import { pathIn } from '../../data/queries.ts';
import { get } from '../../data/request.ts';

/** Kinds that have a list with names. */
const namedKinds = {
  stack: ['projects', 'users', 'runners', 'api-tokens'],
  project: [
    ...['templates', 'inventories', 'repositories', 'keys', 'environments', 'schedules', 'integrations'],
    ...['runners', 'members', 'invitations', 'api-tokens'],
  ],
} as const;

/**
 * Id and name of an item. Members use their user id; an invited person has no name yet, so the e-mail is
 * used.
 */
const named = z.union([
  z.object({ id: z.string(), name: z.string() }).transform(({ id, name }) => [id, name] as const),
  z.object({ userId: z.string(), name: z.string() }).transform(({ userId, name }) => [userId, name] as const),
  z.object({ id: z.string(), email: z.string() }).transform(({ id, email }) => [id, email] as const),
]);

const namesQuery = (projectId: string | undefined, kind: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, kind), 'names'],
    queryFn: async ({ signal }) => (await get(pathIn(projectId, kind), page(named), {}, signal)).items,
  });

/**
 * Names of the targets that still exist, by id; undefined until all are known. Reads only the lists in which
 * a target can be.
 */
export const useNames = (
  projectId: string | undefined,
  targets: readonly AuditTarget[],
): ReadonlyMap<string, string> | undefined => {
  const kinds = namedKinds[projectId === undefined ? 'stack' : 'project'];
  const asked = kinds.filter((kind) => targets.some((target) => target.kind === kind));
  return useQueries({
    queries: asked.map((kind) => namesQuery(projectId, kind)),
    combine: (answers) =>
      answers.some(({ isPending }) => isPending)
        ? undefined
        : new Map(answers.flatMap(({ data }) => data ?? [])),
  });
};
