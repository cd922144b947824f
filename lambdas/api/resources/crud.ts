import type * as z from 'zod';
import type { resourceEndpoints } from '../../../protocol/endpoints/resources.ts';
import type { EffectiveRole, ProjectId } from '../../../protocol/index.ts';
import type { ResourceStore } from '../../adapters/resources/resources.ts';
import { untilUnchanged } from '../../adapters/resources/versions.ts';
import { isFound, type Searched } from '../../core/mentions.ts';
import type { FieldErrors } from '../../problems.ts';
import { fromCursor } from '../cursor.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { pageOf } from '../pages.ts';
import {
  refuse,
  refuseCursor,
  refuseFields,
  refuseInvalid,
  refuseReferences,
  refuseUnknown,
} from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { describeUse } from './references.ts';

interface Shown extends Searched {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

/** Role of the saver, and the object before. Only changed fields can cause a refusal. */
export interface Saving<Output> {
  readonly role: EffectiveRole | undefined;
  readonly before?: Output;
}

interface Resource<Input, Output extends Shown, Body> {
  readonly endpoints: ReturnType<
    typeof resourceEndpoints<z.ZodType<Input, unknown>, z.ZodType<Body, unknown>, z.ZodType<Shown>>
  >;
  /**
   * Fills the secrets that a PUT keeps into its body; the result must be a complete input.
   * @default the body is complete
   */
  readonly fill?: (projectId: ProjectId, id: string, body: Body) => Promise<unknown>;
  readonly store: Omit<ResourceStore<Input, Output>, 'list'>;
  /** Ids that the input refers to: they must exist at the write. */
  readonly references?: (input: Input) => string[];
  /** Fields that refer to an object that the project does not have. */
  readonly findMissing?: (projectId: ProjectId, input: Input) => Promise<FieldErrors>;
  /** Fields that are well formed but do not fit their object or the role. */
  readonly findFaults?: (projectId: ProjectId, input: Input, saving: Saving<Output>) => Promise<FieldErrors>;
  /** Users of the object, in words such as `template "Deploy"`. */
  readonly findUsers: (projectId: ProjectId, id: string) => Promise<string[]>;
  /** Runs after a replacement. */
  readonly onReplaced?: (before: Output, after: Output) => Promise<void>;
}

/** Other objects refer to the one that should be removed. */
class InUse extends Error {
  readonly users: readonly string[];

  constructor(users: readonly string[]) {
    super('It is in use.');
    this.users = users;
  }
}

/** Makes the routes of one resource. */
export const crudRoutes = <Input, Output extends Shown, Body>(
  { projects }: Pick<ApiDeps, 'projects'>,
  resource: Resource<Input, Output, Body>,
) => {
  const { endpoints, fill = async (_projectId, _id, body) => body, store } = resource;
  const { one, idParam, itemId, input } = endpoints;

  const idIn = (all: Readonly<Record<string, string>>): string => all[idParam] ?? '';

  const missingIn = async (projectId: ProjectId, body: Input): Promise<FieldErrors> =>
    (await resource.findMissing?.(projectId, body)) ?? [];
  const referencesIn = (body: Input): string[] => resource.references?.(body) ?? [];
  const faultsIn = async (
    ...about: Parameters<NonNullable<typeof resource.findFaults>>
  ): Promise<FieldErrors> => (await resource.findFaults?.(...about)) ?? [];

  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.list), async (c) => {
      const { projectId } = c.req.valid('param');
      const { limit, cursor, search } = c.req.valid('query');
      const after = cursor === undefined ? undefined : fromCursor(projectId, cursor, itemId);
      if (cursor !== undefined && !after) return refuseCursor(c);
      if (!(await projects.get(projectId))) return refuseUnknown(c, 'project');
      const matches = search === undefined ? undefined : (one: Searched) => isFound(one, search);
      return c.json(pageOf(projectId, await store.page(projectId, { limit, after, matches })), 200);
    })
    .openapi(routeOf(endpoints.create), async (c) => {
      const { projectId } = c.req.valid('param');
      const body = c.req.valid('json');
      if (!(await projects.get(projectId))) return refuseUnknown(c, 'project');
      return untilUnchanged(async () => {
        const missing = await missingIn(projectId, body);
        if (missing.length > 0) return refuseReferences(c, missing);
        const faults = await faultsIn(projectId, body, { role: c.get('role') });
        if (faults.length > 0) return refuseFields(c, faults);
        const basis = { refersTo: referencesIn(body) };
        const made = await store.create(projectId, body, c.get('caller').onBehalfOf.id, basis);
        return c.json(made, 201, { location: `${c.req.path}/${made.id}` });
      });
    })
    .openapi(routeOf(endpoints.get), async (c) => {
      const { projectId } = c.req.valid('param');
      const id = idIn(c.req.param());
      const found = await store.get(projectId, id);
      return found ? c.json(found, 200) : refuseUnknown(c, one);
    })
    .openapi(routeOf(endpoints.replace), async (c) => {
      const { projectId } = c.req.valid('param');
      const id = idIn(c.req.param());
      return untilUnchanged(async () => {
        const found = await store.find(projectId, id);
        if (!found) return refuseUnknown(c, one);
        const { shown: before, version } = found;
        const filled = input.safeParse(await fill(projectId, id, c.req.valid('json')));
        if (!filled.success) return refuseInvalid(c, 'json', filled.error);
        const body = filled.data;
        const missing = await missingIn(projectId, body);
        if (missing.length > 0) return refuseReferences(c, missing);
        const faults = await faultsIn(projectId, body, { role: c.get('role'), before });
        if (faults.length > 0) return refuseFields(c, faults);
        const basis = { version, refersTo: referencesIn(body) };
        const replaced = await store.replace(projectId, id, body, c.get('caller').onBehalfOf.id, basis);
        if (replaced) await resource.onReplaced?.(before, replaced);
        return replaced ? c.json(replaced, 200) : refuseUnknown(c, one);
      });
    })
    .openapi(routeOf(endpoints.remove), async (c) => {
      const { projectId } = c.req.valid('param');
      const id = idIn(c.req.param());
      const checkUnused = async () => {
        const users = await resource.findUsers(projectId, id);
        if (users.length > 0) throw new InUse(users);
      };
      try {
        const isRemoved = await untilUnchanged(() => store.remove(projectId, id, checkUnused));
        return isRemoved ? c.body(null, 204) : refuseUnknown(c, one);
      } catch (error) {
        if (error instanceof InUse) return refuse(c, 'in_use', describeUse(one, error.users));
        throw error;
      }
    });
};
