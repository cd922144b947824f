/** Routes of the key store. */
import { crudRoutes } from './crud.ts';
import type { ApiDeps } from './deps.ts';
import { usersOfKey } from './references.ts';
import { inKey, keyInputSchema, keySchema } from './schemas.ts';

export const keyRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    one: 'key',
    many: 'keys',
    idParam: 'keyId',
    params: inKey,
    input: keyInputSchema,
    output: keySchema,
    store: deps.resources.keys,
    findUsers: (projectId, id) => usersOfKey(deps, projectId, id),
    replaceNote: 'The secret is replaced too: send it again, as it cannot be read back.',
  });
