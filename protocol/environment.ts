/** Variables (plain) and secrets (write-only) in the environment of a task. */
import * as z from 'zod';
import { instant, name } from './common.ts';
import { environmentId, projectId } from './ids.ts';
import { valuesByName, written } from './text.ts';

const variableName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name that an environment variable can have');
const value = z.string().max(32_768);
const byName = <T extends z.ZodType>(values: T) =>
  valuesByName(variableName, values).refine((all) => Object.keys(all).length <= 200, {
    error: 'must hold at most 200 names',
  });
const variables = byName(value);
const changes = byName(value.nullable());

const fields = z
  .strictObject({
    name,
    variables: variables.default({}),
    secrets: variables.default({}).describe('Write-only'),
    secretFiles: variables
      .default({})
      .describe('Write-only; the variable holds the path of a file with the secret in it'),
  })
  .refine(
    ({ secrets, secretFiles }) => Object.keys(secretFiles).every((name) => !Object.hasOwn(secrets, name)),
    {
      error: 'must not have a name that a secret has',
      path: ['secretFiles'],
    },
  );
export const environmentInput = written(fields, { lines: ['name'] }).meta({ id: 'EnvironmentInput' });
export type EnvironmentInput = z.infer<typeof environmentInput>;

const changing = z.strictObject({
  name,
  variables: variables.default({}),
  secrets: changes.default({}).describe('Write-only. A name that is not sent stays; null removes it'),
  secretFiles: changes.default({}).describe('Write-only. A name that is not sent stays; null removes it'),
});
/** Change of an environment, which keeps each secret that it does not name. */
export const environmentUpdate = written(changing, { lines: ['name'] }).meta({ id: 'EnvironmentUpdate' });
export type EnvironmentUpdate = z.infer<typeof environmentUpdate>;

export const environment = z
  .object({
    id: environmentId,
    projectId,
    name,
    variables,
    secretNames: z.array(z.string()),
    secretFileNames: z.array(z.string()),
    createdAt: instant,
  })
  .meta({ id: 'Environment' });
export type Environment = z.infer<typeof environment>;
