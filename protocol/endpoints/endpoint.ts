/** The form of an endpoint, and building blocks for its parts. */
import type * as z from 'zod';
import { page } from '../common.ts';
import type { ProblemCode } from '../problem-codes.ts';
import type { Role } from '../role.ts';

/**
 * Minimum access to call an endpoint. The roles of a project build on one another: a manager may also start
 * tasks. `admin` is stack-wide and includes `owner` in every project; `person` is anyone signed in. Machines
 * are apart from people: they prove themselves by one of three tokens, or within the body (`machine`).
 */
export type Access =
  | 'anybody'
  | 'machine'
  | 'registration_token'
  | 'runner_token'
  | 'agent_session'
  | 'person'
  | Role
  | 'admin';

/** Chapters of the reference. */
export const tags = {
  People: 'Sign-in and the own account',
  Members: 'Members, invitations, API tokens, and the audit trail',
  Projects: 'The units of isolation',
  Templates: 'Scripts and playbooks to run, with their settings',
  Inventories: 'The hosts that Ansible connects to',
  Repositories: 'Git repositories of playbooks and scripts',
  Keys: 'The key store: secrets can be written and never read',
  Environments: 'Variables and secrets for tasks',
  Integrations: 'Events of other services that start templates',
  Schedules: 'Cron expressions that start templates',
  Runners: "A project's runners",
  'Global runners': 'Runners for tasks that no project runner takes',
  Fleets: 'Kinds of machines that are launched for runners when there is work',
  Tasks: 'Runs of templates, and their logs',
  'Webhook deliveries': "Start and finish events on their way to runners' webhook URLs",
  Costs: 'Costs and savings',
  Agents: 'Calls of the agent',
  Service: 'The control plane itself',
} as const;
export type Tag = keyof typeof tags;

/** One answer, in the form of an OpenAPI response object. */
export interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
  readonly headers?: Readonly<
    Record<string, { readonly description: string; readonly schema: { readonly type: 'string' } }>
  >;
}

/** One operation of the API. The API registers its routes from these, and clients call by them. */
export interface Endpoint {
  /** Stable name, also of the event in the audit trail. */
  readonly operationId: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Path with its parameters in braces, such as `/api/projects/{projectId}`. */
  readonly path: string;
  readonly access: Access;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly request?: {
    readonly params?: z.ZodObject;
    readonly query?: z.ZodObject;
    readonly headers?: z.ZodObject;
    readonly body?: ReturnType<typeof jsonBody>;
  };
  /** Answers by status. */
  readonly responses: Readonly<Record<number, Answer>>;
  /** Problems of its own, beyond those that its body, parameters and access imply. */
  readonly problems?: readonly ProblemCode[];
}

/**
 * Keeps the literal types of an endpoint. The mark, here and on the building blocks, has a bundler leave out
 * the endpoints that are not called.
 */
export const endpoint = /* @__NO_SIDE_EFFECTS__ */ <const E extends Endpoint>(one: E): E => one;

export const jsonBody = /* @__NO_SIDE_EFFECTS__ */ <T extends z.ZodType>(schema: T) => ({
  content: { 'application/json': { schema } },
  required: true as const,
});

export const answer = /* @__NO_SIDE_EFFECTS__ */ <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Answer of a creation, with the location of the new object. */
export const created = /* @__NO_SIDE_EFFECTS__ */ <T extends z.ZodType>(description: string, schema: T) => ({
  ...answer(description, schema),
  headers: { Location: { description: 'Path of the new object', schema: { type: 'string' as const } } },
});

export const redirect = /* @__NO_SIDE_EFFECTS__ */ (description: string) => ({
  description,
  headers: { Location: { description: 'Where the browser goes', schema: { type: 'string' as const } } },
});

export const noContent = /* @__NO_SIDE_EFFECTS__ */ (description: string) => ({ description });

/** Tells how to read a list in pages, and what a client that knows no cursor gets. */
export const inPages =
  'A page has 1 MB at most; a client that ignores `nextCursor` gets the oldest ones. With `search` and other filters, a page may hold fewer than `limit`, or none, while there are more: continue as long as there is a `nextCursor`.';

/** A whole list: a page without a cursor. */
export const listOf = /* @__NO_SIDE_EFFECTS__ */ <T extends z.ZodType>(item: T) =>
  page(item).omit({ nextCursor: true });
