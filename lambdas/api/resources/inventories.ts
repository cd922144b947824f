/** Routes of inventories. */

import { referencesOf } from '../../core/resources/references.ts';
import type { ApiDeps } from '../deps.ts';
import { inInventory, inventoryInputSchema, inventorySchema } from '../schemas.ts';
import { inventoryFaults } from './content-faults.ts';
import { crudRoutes, whole } from './crud.ts';
import { knownHostsFaults } from './known-hosts-faults.ts';
import { findMissing, usersByTemplate } from './references.ts';

export const inventoryRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    one: 'inventory',
    many: 'inventories',
    idParam: 'inventoryId',
    params: inInventory,
    input: inventoryInputSchema,
    update: whole(inventoryInputSchema),
    output: inventorySchema,
    store: deps.resources.inventories,
    references: referencesOf,
    findMissing: (projectId, { keyId }) => findMissing(projectId, [['keyId', keyId, deps.resources.keys]]),
    findFaults: async (_projectId, input, { before }) => [
      ...(await inventoryFaults(input, before)),
      ...knownHostsFaults('knownHosts', input.knownHosts, before?.knownHosts),
    ],
    findUsers: (projectId, id) => usersByTemplate(deps, 'inventoryId', projectId, id),
  });
