/** People: their sign-in, and their roles in projects. */
import * as z from 'zod';
import { instant, name } from './common.ts';
import { apiTokenId, invitationId, projectId, userId } from './ids.ts';
import { role } from './role.ts';
import { written } from './text.ts';

/** Compared in lower case. */
export const email = z.email('must be an e-mail address').max(254).toLowerCase();
/** Length rather than complexity (NIST SP 800-63B). The maximum keeps hashing cheap. */
export const password = z.string().min(12, 'must have at least 12 characters').max(200);
const totpCode = z.string().regex(/^\d{6}$/, 'must be the 6 digits that your authenticator shows');

export const setupInput = written(z.strictObject({ email, name, password }), { lines: ['name'] });
export type SetupInput = z.infer<typeof setupInput>;
export const setupState = z.object({
  isSetUp: z.boolean().describe('Whether there is anybody who can sign in'),
  signInProvider: name
    .optional()
    .describe('The name of the provider by which people may sign in, at /api/sign-in-provider/start'),
});

export const loginInput = z.strictObject({
  email,
  password: z.string().max(200),
  totp: totpCode.optional().describe('Of an authenticator, when one is set up'),
});

export const passwordChange = z.strictObject({ current: z.string().max(200), next: password });
export const passwordProof = z.strictObject({ password: z.string().max(200) });
export const totpSecret = z.object({
  secret: z.string().describe('Base32'),
  uri: z.string().describe('otpauth://…, to show as a QR code'),
});
export const totpProof = z.strictObject({ code: totpCode });

/** Person who can sign in. */
export const user = z
  .object({
    id: userId,
    email,
    name,
    isAdmin: z.boolean().describe('May do everything, in every project'),
    hasTotp: z.boolean(),
    createdAt: instant,
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof user>;
export const userChange = z.strictObject({ isAdmin: z.boolean() });

/** Caller: a person, or an API token. */
export const me = z
  .object({
    id: z.string(),
    name: z.string(),
    isAdmin: z.boolean(),
    roles: z.record(projectId, role).describe('By project'),
    user: user.optional().describe('Absent for an API token'),
  })
  .meta({ id: 'Me' });

export const member = z.object({ userId, email, name, role }).meta({ id: 'Member' });
export type Member = z.infer<typeof member>;
export const memberInput = z.strictObject({ role }).meta({ id: 'MemberInput' });

const week = 604_800_000;

export const invitationInput = z
  .strictObject({
    email,
    role,
    expiresInMs: z.int().min(60_000).max(week).default(week),
  })
  .meta({ id: 'InvitationInput' });
export type InvitationInput = z.infer<typeof invitationInput>;

export const invitation = z
  .object({
    id: invitationId,
    projectId,
    email,
    role,
    createdAt: instant,
    validUntil: instant,
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof invitation>;
export const newInvitation = invitation
  .extend({
    token: z.string().describe('Good once, for whoever has it: hand it to the invited person only'),
  })
  .meta({ id: 'NewInvitation' });

const accepting = z.strictObject({
  token: z.string().max(500),
  name: name.optional().describe('Of somebody who is new'),
  password: z
    .string()
    .max(200)
    .optional()
    .describe(
      'A new one of somebody who is new, else the one that they have; not needed by who is signed in with the address of the invitation',
    ),
});
export const acceptance = written(accepting, { lines: ['name'] });

const tokenFields = z.strictObject({
  name,
  role,
  expiresInMs: z.int().min(60_000).max(31_622_400_000).default(7_776_000_000).describe('90 days unless told'),
});
export const apiTokenInput = written(tokenFields, { lines: ['name'] }).meta({ id: 'ApiTokenInput' });
export const adminTokenInput = written(tokenFields.omit({ role: true }), { lines: ['name'] }).meta({
  id: 'AdminTokenInput',
});

export const apiToken = z
  .object({
    id: apiTokenId,
    name,
    projectId: projectId.optional(),
    role: role.or(z.literal('admin')),
    createdAt: instant,
    createdBy: z.string(),
    validUntil: instant.optional().describe('Absent: until it is revoked'),
  })
  .meta({ id: 'ApiToken' });
export const newApiToken = apiToken
  .extend({ token: z.string().describe('Shown only now') })
  .meta({ id: 'NewApiToken' });
