/** Sign-in by OpenID Connect: one provider for the whole stack, set by an admin. */
import * as z from 'zod';
import { instant, name } from './common.ts';
import { written } from './text.ts';

const issuer = z
  .url({ protocol: /^https?$/, error: 'must be the https URL of the issuer' })
  .max(500)
  .refine((url) => /^https:|^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(url), {
    error: 'must be an https URL',
  });

export const signInProviderFields = z.strictObject({
  name: name.describe('As the sign-in page shows it, such as "Company account"'),
  issuer,
  clientId: z.string().min(1).max(500),
  clientSecret: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe('Never shown again. Stays when it is not sent for the same issuer and client'),
  newPeople: z
    .enum(['invited', 'everybody'])
    .default('invited')
    .describe(
      'Who may become a person by signing in: who has an invitation, or everybody that the provider knows (without any role)',
    ),
});
export const signInProviderInput = written(signInProviderFields, {
  lines: ['name', 'clientId', 'clientSecret'],
}).meta({ id: 'SignInProviderInput' });
export type SignInProviderInput = z.infer<typeof signInProviderInput>;

export const signInProvider = signInProviderFields
  .strip()
  .omit({ clientSecret: true })
  .extend({ redirectUri: z.string().describe('To be registered with the provider'), updatedAt: instant })
  .meta({ id: 'SignInProvider' });
export type SignInProvider = z.infer<typeof signInProvider>;

/** Path of this origin, so that nobody is redirected elsewhere after signing in. */
export const returnTo = z
  .string()
  .max(1000)
  .regex(/^\/(?![/\\])[^\\\s]*$/, 'must be a path')
  .default('/');
