/** Routes of templates. */
import * as endpoints from '../../../protocol/endpoints/resources.ts';
import { referencesOf } from '../../core/resources/references.ts';
import { setLimit } from '../../flows/tasks/repair-limits.ts';
import type { ApiDeps } from '../deps.ts';
import { playbookFaults } from './content-faults.ts';
import { crudRoutes } from './crud.ts';
import { findMissing, usersOfTemplate } from './references.ts';

export const templateRoutes = (deps: ApiDeps) => {
  const { templates, inventories, repositories, environments, keys } = deps.resources;
  return crudRoutes(deps, {
    endpoints: endpoints.templates,
    store: templates,
    onReplaced: async (before, after) => {
      if (before.maxParallelTasks !== after.maxParallelTasks) await setLimit(deps, after);
    },
    references: referencesOf,
    findMissing: (projectId, { inventoryId, repositoryId, environmentId, ansible }) =>
      findMissing(projectId, [
        ['inventoryId', inventoryId, inventories],
        ['repositoryId', repositoryId, repositories],
        ['environmentId', environmentId, environments],
        ['ansible.becomeKeyId', ansible?.becomeKeyId, keys],
        ...(ansible?.vaultKeys ?? []).map(
          ({ keyId }, index) => [`ansible.vaultKeys.${index}.keyId`, keyId, keys] as const,
        ),
      ]),
    findFaults: (_projectId, input, { before }) => playbookFaults(input, before),
    findUsers: (projectId, id) => usersOfTemplate(deps, projectId, id),
  });
};
