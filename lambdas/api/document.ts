/** The OpenAPI document of the whole API, made from the routes themselves. */
import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { tags } from '../../protocol/endpoints/endpoint.ts';
import type { Route } from './route.ts';

const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description }) as const;

const securitySchemes = {
  apiToken: bearer('An API token of a person or a program: `tok_….…`'),
  signIn: {
    type: 'apiKey',
    in: 'cookie',
    name: 'reveille',
    description:
      'The cookie that a sign-in sets (`__Host-reveille` over https). What changes something must also carry the header `X-Reveille-Csrf: 1` and come from the origin of the API.',
  } as const,
  registrationToken: bearer('A registration token, good for one registration'),
  runnerToken: bearer("A runner's token"),
  agentSession: bearer('The session that an agent got for its answer to the challenge'),
};

export type Document = ReturnType<OpenApiGeneratorV31['generateDocument']>;

/** Builds the document of these routes. This takes some milliseconds, so it happens only on request. */
export const buildDocument = (described: readonly Route[], apiUrl: string): Document => {
  const registry = new OpenAPIRegistry();
  for (const route of described) registry.registerPath(route);
  const { webhooks: _none, ...document } = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Reveille',
      version: '0.1.0',
      description:
        'Wakes cloud runners when there is work and puts them back to sleep when there is none. ' +
        'Errors are problem details (RFC 9457); their `code` is stable.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: apiUrl }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  });
  return { ...document, components: { ...document.components, securitySchemes } };
};
