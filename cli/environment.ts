/** Environment variables, parsed once. */
import { homedir } from 'node:os';
import * as z from 'zod';
import { CliError, exitCodes } from './errors.ts';

/** An http or https URL, reduced to its origin. */
export const stackUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((url) => new URL(url).origin);

const environment = z.object({
  REVEILLE_URL: stackUrl.optional().describe('Of the stack'),
  REVEILLE_TOKEN: z.string().min(1).optional().describe('An API token'),
  REVEILLE_PROJECT: z.string().min(1).optional().describe('Name or id of the project'),
  XDG_CONFIG_HOME: z.string().optional().describe('Where the sign-in is kept, under reveille/'),
  HOME: z.string().default(homedir()),
  NO_COLOR: z.string().optional().describe('Anything but nothing: no colours'),
});
export type Environment = z.infer<typeof environment>;

export const parseEnvironment = (given: NodeJS.ProcessEnv): Environment => {
  const parsed = environment.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new CliError(exitCodes.usage, faults.join('\n'));
};
