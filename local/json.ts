/** JSON from outside: text that is not JSON is an issue like any other, and not an exception. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** Schema for JSON text whose value has this schema. */
export const jsonText = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch (error) {
        context.addIssue(`This is not JSON: ${error instanceof Error ? error.message : error}`);
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Reads a JSON file; throws an error that names the file and what is wrong in it. */
export const readJsonFile = <T extends z.ZodType>(path: string, schema: T): z.infer<T> => {
  const parsed = jsonText(schema).safeParse(readFileSync(path, 'utf8'));
  if (parsed.success) return parsed.data;
  throw new Error(`${path} cannot be read:\n${z.prettifyError(parsed.error)}`);
};
