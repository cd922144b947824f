/** Routes of environments. */
import { crudRoutes } from './crud.ts';
import type { ApiDeps } from './deps.ts';
import { usersByTemplate } from './references.ts';
import { environmentInputSchema, environmentSchema, inEnvironment } from './schemas.ts';

export const environmentRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    one: 'environment',
    many: 'environments',
    idParam: 'environmentId',
    params: inEnvironment,
    input: environmentInputSchema,
    output: environmentSchema,
    store: deps.resources.environments,
    findUsers: (projectId, id) => usersByTemplate(deps, 'environmentId', projectId, id),
    replaceNote: 'The secrets are replaced too: send all of them again, as they cannot be read back.',
  });
