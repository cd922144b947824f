/**
 * Policy documents, compiled. Knows what the synthesized templates use of IAM's policy language, and throws
 * for all else: to pass over an element, an operator, a principal or a variable would change the verdict.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
import * as z from 'zod';
import { type ContextByKey, compileConditions } from './conditions.ts';
import { type Matches, matchesAction, matchesResource } from './patterns.ts';

export interface Pattern {
  /** As the policy writes it. */
  readonly text: string;
  readonly matches: Matches;
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly Pattern[];
  readonly resources: readonly Pattern[];
  /** True if all conditions hold. */
  readonly holds: (context: ContextByKey) => boolean;
}

/** Policy of a role, or of a session. */
export type IdentityPolicy = readonly Statement[];

/** Policy of a resource: the trust policy of a role, or the policy of a key. */
export type ResourcePolicy = readonly (Statement & {
  /** ARNs of roles and of accounts (`arn:aws:iam::…:root`), and names of services. */
  readonly principals: readonly string[];
})[];

/** Accepts a list or a single item, as IAM does. */
export const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(item));

const unknown = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => `${what} ${JSON.stringify(input)} is unknown here`,
});

/** A text without policy variables, which AWS would replace. */
const text = z.string().regex(/^(?!.*\$\{)/s, unknown('The variable in'));

const action = z
  .string()
  .regex(/^(\*|[a-z0-9-]+:[\w*?]+)$/i, unknown('The action'))
  .transform((written): Pattern => ({ text: written, matches: matchesAction(written) }));

/** `*`, or an ARN without a wildcard in its service, where AWS refuses one, nor before it. */
const resource = text
  .refine((written) => written === '*' || !/[*?]/.test(written.split(':', 3).join()), unknown('The resource'))
  .transform((written): Pattern => ({ text: written, matches: matchesResource(written) }));

const roleOrAccount = z
  .string()
  .regex(/^arn:[a-z-]+:iam::\d{12}:(root|role\/[\w+=,.@/-]+)$/, unknown('The principal'));
const service = z.string().regex(/^[a-z0-9.-]+$/, unknown('The principal'));

const elements = {
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore(action),
  Condition: z.record(z.string(), z.record(z.string(), oneOrMore(text))).default({}),
};

const identityStatement = z.strictObject({ ...elements, Resource: oneOrMore(resource) });

const resourceStatement = z.strictObject({
  ...elements,
  Principal: z.strictObject(
    { AWS: oneOrMore(roleOrAccount).optional(), Service: oneOrMore(service).optional() },
    unknown('The principal'),
  ),
  // A trust policy has none: it covers its role.
  Resource: oneOrMore(resource).default([{ text: '*', matches: () => true }]),
});

const documentOf = <T extends z.ZodType>(statement: T) =>
  z.strictObject({ Version: z.literal('2012-10-17').optional(), Statement: oneOrMore(statement) });

const identityDocument = documentOf(identityStatement);
const resourceDocument = documentOf(resourceStatement);

const compile = ({ Effect, Action, Resource, Condition }: z.infer<typeof identityStatement>): Statement => ({
  effect: Effect,
  actions: Action,
  resources: Resource,
  holds: compileConditions(Condition),
});

const parse = <T extends z.ZodType>(schema: T, document: unknown): z.infer<T> => {
  const { success, data, error } = schema.safeParse(document);
  if (success) return data;
  throw new Error(
    `The stack on one machine cannot apply a policy: ${z.prettifyError(error)}\n${JSON.stringify(document)}`,
  );
};

export const parseIdentityPolicy = (document: unknown): IdentityPolicy =>
  parse(identityDocument, document).Statement.map(compile);

export const parseResourcePolicy = (document: unknown): ResourcePolicy =>
  parse(resourceDocument, document).Statement.map(({ Principal: { AWS = [], Service = [] }, ...rest }) => ({
    ...compile(rest),
    principals: [...AWS, ...Service],
  }));
