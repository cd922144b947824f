/** Routes of repositories. */

import * as endpoints from '../../../protocol/endpoints/resources.ts';
import { referencesOf } from '../../core/resources/references.ts';
import type { ApiDeps } from '../deps.ts';
import { crudRoutes } from './crud.ts';
import { knownHostsFaults } from './known-hosts-faults.ts';
import { findMissing, usersByTemplate } from './references.ts';

export const repositoryRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    endpoints: endpoints.repositories,
    store: deps.resources.repositories,
    references: referencesOf,
    findMissing: (projectId, { keyId }) => findMissing(projectId, [['keyId', keyId, deps.resources.keys]]),
    findFaults: async (_projectId, { knownHosts }, { before }) =>
      knownHostsFaults('knownHosts', knownHosts, before?.knownHosts),
    findUsers: (projectId, id) => usersByTemplate(deps, 'repositoryId', projectId, id),
  });
