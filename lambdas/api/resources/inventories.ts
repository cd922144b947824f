/** Routes of inventories. */

import * as endpoints from '../../../protocol/endpoints/resources.ts';
import { referencesOf } from '../../core/resources/references.ts';
import type { ApiDeps } from '../deps.ts';
import { inventoryFaults } from './content-faults.ts';
import { crudRoutes } from './crud.ts';
import { knownHostsFaults } from './known-hosts-faults.ts';
import { findMissing, usersByTemplate } from './references.ts';

export const inventoryRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    endpoints: endpoints.inventories,
    store: deps.resources.inventories,
    references: referencesOf,
    findMissing: (projectId, { keyId }) => findMissing(projectId, [['keyId', keyId, deps.resources.keys]]),
    findFaults: async (_projectId, input, { before }) => [
      ...(await inventoryFaults(input, before)),
      ...knownHostsFaults('knownHosts', input.knownHosts, before?.knownHosts),
    ],
    findUsers: (projectId, id) => usersByTemplate(deps, 'inventoryId', projectId, id),
  });
