/** Looks up names for events of version 0.1.0, which have ids only. */
import { queryOptions, useQueries } from '@tanstack/react-query';
import { integrations } from '../../../protocol/endpoints/integrations.ts';
import { listInvitations } from '../../../protocol/endpoints/invitations.ts';
import { listMembers, listUsers } from '../../../protocol/endpoints/members.ts';
import { listProjects } from '../../../protocol/endpoints/projects.ts';
import {
  environments,
  inventories,
  keys,
  repositories,
  templates,
} from '../../../protocol/endpoints/resources.ts';
import { runnersIn } from '../../../protocol/endpoints/runners.ts';
import { schedules } from '../../../protocol/endpoints/schedules.ts';
import type { AuditTarget } from '../../../protocol/index.ts';
import { apiTokensIn } from '../../data/api-tokens.ts';
import { type Reading, reading } from '../../data/request.ts';

/** Item of a list. Members use their user id; an invited person has no name yet, so the e-mail is used. */
type Item =
  | { readonly id: string; readonly name: string }
  | { readonly userId: string; readonly name: string }
  | { readonly id: string; readonly email: string };

const entryOf = (item: Item): readonly [id: string, name: string] => [
  'userId' in item ? item.userId : item.id,
  'name' in item ? item.name : item.email,
];

type Lists = Readonly<Record<string, Reading<{ readonly items: readonly Item[] }>>>;

/** Lists with names in a project, or in the stack, by the kind of their items. */
const listsIn = (projectId: string | undefined): Lists => {
  const runners = runnersIn(projectId);
  const inBoth: Lists = {
    runners: reading(runners.endpoints.list, { params: runners.params }),
    'api-tokens': apiTokensIn(projectId).tokens,
  };
  if (projectId === undefined) {
    return { projects: reading(listProjects, {}), users: reading(listUsers, {}), ...inBoth };
  }
  const params = { projectId };
  return {
    templates: reading(templates.list, { params }),
    inventories: reading(inventories.list, { params }),
    repositories: reading(repositories.list, { params }),
    keys: reading(keys.list, { params }),
    environments: reading(environments.list, { params }),
    schedules: reading(schedules.list, { params }),
    integrations: reading(integrations.list, { params }),
    members: reading(listMembers, { params }),
    invitations: reading(listInvitations, { params }),
    ...inBoth,
  };
};

const namesQuery = ({ path, read }: Lists[string]) =>
  queryOptions({
    queryKey: [path, 'names'],
    queryFn: async ({ signal }) => (await read({ signal })).items.map(entryOf),
  });

/**
 * Names of the targets that still exist, by id; undefined until all are known. Reads only the lists in which
 * a target can be.
 */
export const useNames = (
  projectId: string | undefined,
  targets: readonly AuditTarget[],
): ReadonlyMap<string, string> | undefined => {
  const asked = Object.entries(listsIn(projectId)).filter(([kind]) =>
    targets.some((target) => target.kind === kind),
  );
  return useQueries({
    queries: asked.map(([, list]) => namesQuery(list)),
    combine: (answers) =>
      answers.some(({ isPending }) => isPending)
        ? undefined
        : new Map(answers.flatMap(({ data }) => data ?? [])),
  });
};
