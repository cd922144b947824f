/** Endpoints of the resources of a project: list, create, get, replace and remove for each. */
import * as z from 'zod';
import { listQuery, page } from '../common.ts';
import { environment, environmentInput, environmentUpdate } from '../environment.ts';
import { environmentId, inventoryId, keyId, projectId, repositoryId, templateId } from '../ids.ts';
import { inventory, inventoryInput } from '../inventory.ts';
import { key, keyInput, keyUpdate } from '../key.ts';
import { repository, repositoryInput } from '../repository.ts';
import { template, templateInput } from '../template.ts';
import { answer, created, endpoint, inPages, jsonBody, noContent, type Tag } from './endpoint.ts';
import { inProject, listPath } from './params.ts';

interface Resource<I extends z.ZodType, U extends z.ZodType, O extends z.ZodType> {
  /** Singular name, such as "inventory". */
  readonly one: string;
  /** Plural name, such as "inventories", as in the path. */
  readonly many: string;
  /** Chapter of the reference. */
  readonly tag: Tag;
  /** Parameter of the path that names one, such as `inventoryId`. */
  readonly id: Readonly<Record<string, z.ZodType<string>>>;
  readonly input: I;
  /** Body of a PUT, in which a secret may be left out to keep it. */
  readonly update: U;
  readonly output: O;
  /** Extra text about the replacement for the reference. */
  readonly replaceNote?: string;
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export const resourceEndpoints = /* @__NO_SIDE_EFFECTS__ */ <
  I extends z.ZodType,
  U extends z.ZodType,
  O extends z.ZodType,
>(
  resource: Resource<I, U, O>,
) => {
  const { one, many, tag, id, input, update, output, replaceNote } = resource;
  const path = listPath(many);
  const [[idParam, itemId] = ['', z.string()]] = Object.entries(id);
  const params = z.object<{ projectId: typeof projectId }>({ projectId, ...id });
  const itemPath = `${path}/{${idParam}}`;
  const article = /^[aeiou]/.test(one) ? 'an' : 'a';
  return {
    one,
    idParam,
    itemId,
    input,
    list: endpoint({
      operationId: `list${capitalised(many)}`,
      method: 'get',
      path,
      access: 'guest',
      tag,
      summary: `List the ${many} of a project`,
      description: inPages,
      request: { params: inProject, query: listQuery },
      responses: { 200: answer(`A page of ${many}, oldest first`, page(output)) },
    }),
    create: endpoint({
      operationId: `create${capitalised(one)}`,
      method: 'post',
      path,
      access: 'manager',
      tag,
      summary: `Create ${article} ${one}`,
      request: { params: inProject, body: jsonBody(input) },
      responses: { 201: created(`The new ${one}`, output) },
      problems: ['changed_meanwhile', 'invalid_reference', 'name_taken'],
    }),
    get: endpoint({
      operationId: `get${capitalised(one)}`,
      method: 'get',
      path: itemPath,
      access: 'guest',
      tag,
      summary: `Get ${article} ${one}`,
      request: { params },
      responses: { 200: answer(`The ${one}`, output) },
    }),
    replace: endpoint({
      operationId: `replace${capitalised(one)}`,
      method: 'put',
      path: itemPath,
      access: 'manager',
      tag,
      summary: `Replace ${article} ${one}`,
      description: replaceNote,
      request: { params, body: jsonBody(update) },
      responses: { 200: answer(`The ${one} after the change`, output) },
      problems: ['changed_meanwhile', 'invalid_reference', 'name_taken'],
    }),
    remove: endpoint({
      operationId: `remove${capitalised(one)}`,
      method: 'delete',
      path: itemPath,
      access: 'manager',
      tag,
      summary: `Remove ${article} unused ${one}`,
      request: { params },
      responses: { 204: noContent('It is removed') },
      problems: ['changed_meanwhile', 'in_use'],
    }),
  };
};

export const templates = resourceEndpoints({
  one: 'template',
  many: 'templates',
  tag: 'Templates',
  id: { templateId },
  input: templateInput,
  update: templateInput,
  output: template,
});

export const inventories = resourceEndpoints({
  one: 'inventory',
  many: 'inventories',
  tag: 'Inventories',
  id: { inventoryId },
  input: inventoryInput,
  update: inventoryInput,
  output: inventory,
});

export const repositories = resourceEndpoints({
  one: 'repository',
  many: 'repositories',
  tag: 'Repositories',
  id: { repositoryId },
  input: repositoryInput,
  update: repositoryInput,
  output: repository,
});

export const keys = resourceEndpoints({
  one: 'key',
  many: 'keys',
  tag: 'Keys',
  id: { keyId },
  input: keyInput,
  update: keyUpdate,
  output: key,
  replaceNote:
    'Without `secret`, the whole secret stays. With a `secret` of the same type, secret values that are not sent stay. A new private key comes with its own passphrase.',
});

export const environments = resourceEndpoints({
  one: 'environment',
  many: 'environments',
  tag: 'Environments',
  id: { environmentId },
  input: environmentInput,
  update: environmentUpdate,
  output: environment,
  replaceNote: 'Secrets that are not sent stay as they are; null in place of a value removes one.',
});
