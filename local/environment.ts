/** Environment variables of the local stack. No other variable reaches a function or an agent. */
import * as z from 'zod';

const environment = z.object({
  PATH: z.string().default('/usr/local/bin:/usr/bin:/bin').describe('Where tasks find their programs'),
  HOME: z.string().default('/').describe('For the CDK app'),
  REVEILLE_IAM_RECORDS: z
    .string()
    .min(1)
    .optional()
    .describe('A folder that gets which permissions the roles used; for `npm run iam:report`'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8787).describe('Of the API; 0 = any free port'),
});
export type Environment = z.infer<typeof environment>;

/** Parses the environment; throws an error that names each invalid variable. */
export const readEnvironment = (env: NodeJS.ProcessEnv): Environment => {
  const parsed = environment.safeParse(env);
  if (parsed.success) return parsed.data;
  throw new Error(`The environment is wrong:\n${z.prettifyError(parsed.error)}`);
};
