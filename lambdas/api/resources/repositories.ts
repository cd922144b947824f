/** Routes of repositories. */

import { referencesOf } from '../../core/resources/references.ts';
import type { ApiDeps } from '../deps.ts';
import { inRepository, repositoryInputSchema, repositorySchema } from '../schemas.ts';
import { crudRoutes, whole } from './crud.ts';
import { knownHostsFaults } from './known-hosts-faults.ts';
import { findMissing, usersByTemplate } from './references.ts';

export const repositoryRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    one: 'repository',
    many: 'repositories',
    idParam: 'repositoryId',
    params: inRepository,
    input: repositoryInputSchema,
    update: whole(repositoryInputSchema),
    output: repositorySchema,
    store: deps.resources.repositories,
    references: referencesOf,
    findMissing: (projectId, { keyId }) => findMissing(projectId, [['keyId', keyId, deps.resources.keys]]),
    findFaults: async (_projectId, { knownHosts }, { before }) =>
      knownHostsFaults('knownHosts', knownHosts, before?.knownHosts),
    findUsers: (projectId, id) => usersByTemplate(deps, 'repositoryId', projectId, id),
  });
