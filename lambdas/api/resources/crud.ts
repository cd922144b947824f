/** The five routes that every resource of a project has: list, create, get, replace, remove. */
import type * as z from 'zod';
import type { ProjectId, projectId } from '../../../protocol/index.ts';
import type { ResourceStore } from '../../adapters/resources/resources.ts';
import { untilUnchanged } from '../../adapters/resources/versions.ts';
import type { EffectiveRole } from '../../core/people/permissions.ts';
import type { FieldErrors } from '../../problems.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseFields, refuseInvalid, refuseReferences, refuseUnknown } from '../refuse.ts';
import { answer, created, describe, jsonBody, noContent, people, routes } from '../route.ts';
import { inProject, listOf } from '../schemas.ts';
import { describeUse } from './references.ts';

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

/** Reads a PUT: a schema, then a function that fills in kept fields; the result must be a complete input. */
interface Update<Body> {
  readonly schema: z.ZodType<Body, unknown>;
  readonly fill: (projectId: ProjectId, id: string, body: Body) => Promise<unknown>;
}

/** A PUT that sends the complete input. */
export const whole = <Input>(schema: z.ZodType<Input, unknown>): Update<Input> => ({
  schema,
  fill: async (_projectId, _id, body) => body,
});

/** Role of the saver, and the object before. Only changed fields can cause a refusal. */
export interface Saving<Output> {
  readonly role: EffectiveRole | undefined;
  readonly before?: Output;
}

interface Resource<Input, Output extends Shown, Body> {
  /** Singular name, such as "inventory", for sentences. */
  readonly one: string;
  /** Plural name, such as "inventories", for paths. */
  readonly many: string;
  /** Parameters of the path: `projectId` and the own id. */
  readonly params: z.ZodObject<{ projectId: typeof projectId }>;
  readonly idParam: string;
  readonly input: z.ZodType<Input, unknown>;
  readonly update: Update<Body>;
  readonly output: z.ZodType<Shown>;
  readonly store: ResourceStore<Input, Output>;
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
  /** Extra text about the replacement for the reference. */
  readonly replaceNote?: string;
}

/** Other objects refer to the one that should be removed. */
class InUse extends Error {
  readonly users: readonly string[];

  constructor(users: readonly string[]) {
    super('It is in use.');
    this.users = users;
  }
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Makes the routes of one resource. */
export const crudRoutes = <Input, Output extends Shown, Body>(
  { projects }: Pick<ApiDeps, 'projects'>,
  resource: Resource<Input, Output, Body>,
) => {
  const { one, many, params, idParam, input, update, output, store } = resource;
  const path = `/api/projects/{projectId}/${many}`;
  const itemPath = `${path}/{${idParam}}`;
  const article = /^[aeiou]/.test(one) ? 'an' : 'a';
  const shared = { tags: [capitalised(many)], security: people };

  const idIn = (all: Readonly<Record<string, string>>): string => all[idParam] ?? '';

  const missingIn = async (projectId: ProjectId, body: Input): Promise<FieldErrors> =>
    (await resource.findMissing?.(projectId, body)) ?? [];
  const referencesIn = (body: Input): string[] => resource.references?.(body) ?? [];
  const faultsIn = async (
    ...about: Parameters<NonNullable<typeof resource.findFaults>>
  ): Promise<FieldErrors> => (await resource.findFaults?.(...about)) ?? [];

  return routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path,
        operationId: `list${capitalised(many)}`,
        summary: `List the ${many} of a project`,
        request: { params: inProject },
        responses: { 200: answer(`The ${many}, oldest first`, listOf(output)) },
      }),
      async (c) => {
        const { projectId } = c.req.valid('param');
        if (!(await projects.get(projectId))) return refuseUnknown(c, 'project');
        return c.json({ items: await store.list(projectId) }, 200);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path,
          operationId: `create${capitalised(one)}`,
          summary: `Create ${article} ${one}`,
          request: { params: inProject, body: jsonBody(input) },
          responses: { 201: created(`The new ${one}`, output) },
        },
        'changed_meanwhile',
        'invalid_reference',
        'name_taken',
      ),
      async (c) => {
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
          return c.json(made, 201, { location: `/api/projects/${projectId}/${many}/${made.id}` });
        });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: itemPath,
        operationId: `get${capitalised(one)}`,
        summary: `Get ${article} ${one}`,
        request: { params },
        responses: { 200: answer(`The ${one}`, output) },
      }),
      async (c) => {
        const { projectId } = c.req.valid('param');
        const id = idIn(c.req.param());
        const found = await store.get(projectId, id);
        return found ? c.json(found, 200) : refuseUnknown(c, one);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'put',
          path: itemPath,
          operationId: `replace${capitalised(one)}`,
          summary: `Replace ${article} ${one}`,
          ...(resource.replaceNote && { description: resource.replaceNote }),
          request: { params, body: jsonBody(update.schema) },
          responses: { 200: answer(`The ${one} as it is now`, output) },
        },
        'changed_meanwhile',
        'invalid_reference',
        'name_taken',
      ),
      async (c) => {
        const { projectId } = c.req.valid('param');
        const id = idIn(c.req.param());
        return untilUnchanged(async () => {
          const found = await store.find(projectId, id);
          if (!found) return refuseUnknown(c, one);
          const { shown: before, version } = found;
          const filled = input.safeParse(await update.fill(projectId, id, c.req.valid('json')));
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
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'delete',
          path: itemPath,
          operationId: `remove${capitalised(one)}`,
          summary: `Remove ${article} ${one} that nothing uses`,
          request: { params },
          responses: { 204: noContent('It is removed') },
        },
        'changed_meanwhile',
        'in_use',
      ),
      async (c) => {
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
      },
    );
};
