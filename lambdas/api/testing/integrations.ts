/** An integration on the API fixture: a project with a template and a key, senders, and event outcomes. */
import { createHmac } from 'node:crypto';
import * as z from 'zod';
import {
  type EventAnswer,
  eventAnswer,
  type IntegrationEvent,
  integration,
  integrationEvent,
  project,
  task,
} from '../../../protocol/index.ts';
import { unique } from '../../../test/unique.ts';
import type { ApiFixture } from './fixture.ts';

export const hookSecret = 'It is a secret to everybody';

export const hmacOf = (body: string | Uint8Array, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', hookSecret).update(body).digest(encoding);

/** Returns the headers with which GitHub signs a body. */
export const signedByGitHub = (body: string | Uint8Array, headers: Record<string, string> = {}) => ({
  'x-hub-signature-256': `sha256=${hmacOf(body)}`,
  ...headers,
});

/** A payload that matches the integration, as an object. */
export const pushToMain = { ref: 'refs/heads/main', repository: { full_name: 'octo/site' }, number: 7 };

/** Makes an integration for pushes to main, with a template that asks two questions, and a key. */
export const anIntegration = async (api: ApiFixture, fields: (keyId: string) => object = () => ({})) => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
  const base = `/api/projects/${id}`;
  const make = async (path: string, input: object) =>
    z.object({ id: z.string() }).parse(await api.call('POST', `${base}/${path}`, input)).id;
  const templateId = await make('templates', {
    name: 'Deploy',
    app: 'bash',
    script: 'true',
    tag: 'sydney',
    survey: [
      { name: 'site', title: 'Site', type: 'string', required: true },
      { name: 'number', title: 'Number', type: 'int' },
    ],
  });
  const keyId = await make('keys', { name: 'Hook', secret: { type: 'string', value: hookSecret } });
  const made = integration.parse(
    await api.call('POST', `${base}/integrations`, {
      name: 'pushes',
      templateId,
      matchers: [{ source: { from: 'body', pointer: '/ref' }, operator: 'equals', value: 'refs/heads/main' }],
      variables: [
        { variable: 'site', source: { from: 'body', pointer: '/repository/full_name' } },
        { variable: 'number', source: { from: 'body', pointer: '/number' } },
      ],
      ...fields(keyId),
    }),
  );
  const path = new URL(made.url ?? '').pathname;
  const send = (text: string, headers: Record<string, string> = {}) =>
    api.request('POST', path, { token: null, rawBody: text, headers });
  const answerTo = async (text: string, headers?: Record<string, string>): Promise<EventAnswer> =>
    eventAnswer.parse(await (await send(text, headers)).json());
  const items = async <T extends z.ZodType>(of: string, schema: T): Promise<z.infer<T>[]> =>
    z.object({ items: z.array(schema) }).parse(await api.call('GET', `${base}/${of}`)).items;
  const events = () => items(`integrations/${made.id}/events`, integrationEvent);
  /** Returns the record of a sent event, after processing. */
  const eventOf = async (text: string, headers?: Record<string, string>): Promise<IntegrationEvent> => {
    const { id: eventId } = await answerTo(text, headers);
    const event = (await events()).find((one) => one.id === eventId);
    if (!event) throw new Error(`There is no record of ${eventId}`);
    return event;
  };
  return {
    id,
    base,
    templateId,
    keyId,
    made,
    path,
    send,
    answerTo,
    eventOf,
    events,
    tasks: () => items('tasks', task),
  };
};
