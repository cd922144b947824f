/** Variables (plain) and secrets (write-only) that a task gets in its environment. */
import * as z from 'zod';
import { instant, name } from './common.ts';
import { environmentId, projectId } from './ids.ts';

const variableName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name that an environment variable can have');
const variables = z
  .record(variableName, z.string().max(32_768))
  .refine((all) => Object.keys(all).length <= 200, { error: 'must hold at most 200 names' });

export const environmentInput = z
  .strictObject({
    name,
    variables: variables.default({}),
    secrets: variables.default({}).describe('Write-only'),
    secretFiles: variables
      .default({})
      .describe('Write-only; the variable holds the path of a file with the secret in it'),
  })
  .refine(({ secrets, secretFiles }) => Object.keys(secretFiles).every((name) => !(name in secrets)), {
    error: 'must not have a name that a secret has',
    path: ['secretFiles'],
  });
export type EnvironmentInput = z.infer<typeof environmentInput>;

export const environment = z.object({
  id: environmentId,
  projectId,
  name,
  variables,
  secretNames: z.array(z.string()),
  secretFileNames: z.array(z.string()),
  createdAt: instant,
});
export type Environment = z.infer<typeof environment>;
