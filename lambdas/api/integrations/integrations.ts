import * as endpoints from '../../../protocol/endpoints/integrations.ts';
import {
  applyLaunchOptions,
  type Integration,
  type IntegrationInput,
  integrationId,
} from '../../../protocol/index.ts';
import type { SavedIntegration } from '../../adapters/integrations/integrations.ts';
import { eventsByIntegration, eventsBySource } from '../../adapters/people/rate-limits.ts';
import type { ResourceStore } from '../../adapters/resources/resources.ts';
import { referencesOf } from '../../core/resources/references.ts';
import { secretNamesOf } from '../../core/tasks/survey.ts';
import { receiveIntegrationEvent } from '../../flows/integrations/receive-event.ts';
import type { ApiDeps, ApiEnv, PersonEnv } from '../deps.ts';
import { countAttempts, refuseTooMany } from '../rate-limits.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { crudRoutes } from '../resources/crud.ts';
import { beyondOf, mayGoBeyond } from '../resources/launch-options.ts';
import { findMissing, findMissingValues } from '../resources/references.ts';
import { routeOf, routes } from '../route.ts';

/** Store behind the routes; it adds what an integration gives beyond the template's launch options. */
const shownStore = (deps: ApiDeps): Omit<ResourceStore<IntegrationInput, Integration>, 'list'> => {
  const { integrations, resources } = deps;
  const withSecretNames = async (
    projectId: Integration['projectId'],
    input: IntegrationInput,
    before?: Integration,
  ): Promise<SavedIntegration> => {
    const template = await resources.templates.get(projectId, input.templateId);
    const kept = before?.templateId === input.templateId ? before.secretNames : [];
    const taken = input.variables.map(({ variable }) => variable);
    const secretNames = secretNamesOf(template?.survey, kept).filter((name) => taken.includes(name));
    return { ...input, secretNames: secretNames.length > 0 ? secretNames : undefined };
  };
  const showAll = async (all: readonly Integration[]): Promise<Integration[]> => {
    const beyond = await beyondOf(deps, all);
    return all.map((one) => ({ ...one, ...beyond(one) }));
  };
  const show = async (one: Integration): Promise<Integration> => ({
    ...one,
    ...(await beyondOf(deps, [one]))(one),
  });
  return {
    get: async (projectId, id) => {
      const found = await integrations.get(projectId, id);
      return found && show(found);
    },
    find: async (projectId, id) => {
      const found = await integrations.find(projectId, id);
      return found && { ...found, shown: await show(found.shown) };
    },
    page: async (projectId, asked) => {
      const { items, next } = await integrations.page(projectId, asked);
      return { items: await showAll(items), next };
    },
    create: async (projectId, input, editedBy, basis) =>
      show(await integrations.create(projectId, await withSecretNames(projectId, input), editedBy, basis)),
    replace: async (projectId, id, input, editedBy, basis) => {
      const before = await integrations.get(projectId, id);
      const saved = await withSecretNames(projectId, input, before);
      const after = await integrations.replace(projectId, id, saved, editedBy, basis);
      return after && show(after);
    },
    remove: integrations.remove,
  };
};

const keyOf = (one: Pick<Integration, 'auth'> | undefined) =>
  one === undefined || one.auth.type === 'url' ? undefined : one.auth.keyId;

export const integrationRoutes = (deps: ApiDeps) => {
  const { templates, keys } = deps.resources;
  const own = routes<PersonEnv>()
    .openapi(routeOf(endpoints.rotateIntegrationUrl), async (c) => {
      const { projectId, integrationId: id } = c.req.valid('param');
      const rotated = await deps.integrations.rotateUrl(projectId, id, c.get('caller').onBehalfOf.id);
      return rotated ? c.json(rotated, 200) : refuseUnknown(c, 'integration');
    })
    .openapi(routeOf(endpoints.listIntegrationEvents), async (c) => {
      const { projectId, integrationId: id } = c.req.valid('param');
      if (!(await deps.integrations.get(projectId, id))) return refuseUnknown(c, 'integration');
      const items = await deps.integrations.listEvents(id, c.req.valid('query').limit);
      return c.json({ items }, 200);
    });
  const crud = crudRoutes(deps, {
    endpoints: endpoints.integrations,
    store: shownStore(deps),
    references: referencesOf,
    findMissing: async (projectId, input) => [
      ...(await findMissing(projectId, [
        ['templateId', input.templateId, templates],
        ['auth.keyId', keyOf(input), keys],
      ])),
      ...(await findMissingValues(deps, projectId, input)),
    ],
    findFaults: async (projectId, input, { role, before }) => {
      const keyId = keyOf(input);
      const key = keyId && keyId !== keyOf(before) && (await keys.get(projectId, keyId));
      if (key && key.type !== 'string') {
        return [{ path: 'auth.keyId', message: 'must be a key of the type string, which holds the secret' }];
      }
      const template = await templates.get(projectId, input.templateId);
      const applied = template && applyLaunchOptions(template, input, { mayGoBeyond: mayGoBeyond(role) });
      return applied === undefined || applied.ok ? [] : [...applied.faults];
    },
    findUsers: async () => [],
  });
  return routes<PersonEnv>().add(own).add(crud);
};

/** Open to anybody who knows the URL. The body is read as raw bytes, since a signature covers its bytes. */
export const integrationEventRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(routeOf(endpoints.receiveIntegrationEvent), async (c) => {
    const { projectId, integrationId: id, secret } = c.req.valid('param');
    const source = deps.sourceOf(c);
    const integration = integrationId.safeParse(id).success
      ? await deps.integrations.open(projectId, id, secret)
      : undefined;
    if (!integration) {
      // Only wrong URLs count, and only against themselves: a page of another site can make a browser send
      // any number of them.
      const guessed = await countAttempts(deps, c, [[eventsBySource, source]]);
      return guessed ? refuseTooMany(c, deps.attempts, guessed) : refuseUnknown(c, 'integration');
    }
    const reached = await countAttempts(deps, c, [[eventsByIntegration, id]]);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    const headers = c.req.header();
    const result = await receiveIntegrationEvent(deps, integration, {
      headers,
      body: new Uint8Array(await c.req.arrayBuffer()),
      source,
    });
    switch (result.outcome) {
      case 'bad_signature':
        return refuse(c, 'bad_signature', result.detail);
      case 'not_json':
        return refuse(c, 'malformed_json', result.detail);
      case 'refused':
        return refuse(c, 'invalid_request', result.detail);
      case 'received':
        return c.json(result, 202);
      default:
        return c.json(result, 200);
    }
  });
