/** Survey variables: questions of a template to the person who starts a task. */
import * as z from 'zod';
import { valuesByName, written } from './text.ts';

const variableName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name that an environment variable can have');

const shared = {
  name: variableName,
  title: z.string().trim().min(1).max(120),
  description: z.string().trim().max(2000).optional(),
  required: z.boolean().default(false),
};
const text = z.string().max(32_768, 'must have at most 32,768 characters');

export const surveyVariable = z.discriminatedUnion('type', [
  z.strictObject({ ...shared, type: z.literal('string'), default: text.optional() }),
  z.strictObject({ ...shared, type: z.literal('int'), default: z.int().optional() }),
  z.strictObject({
    ...shared,
    type: z.literal('enum'),
    values: z
      .array(z.strictObject({ name: z.string().max(120), value: text }))
      .min(1)
      .max(200),
    default: text.optional(),
  }),
  z.strictObject({ ...shared, type: z.literal('secret') }),
]);
export type SurveyVariable = z.infer<typeof surveyVariable>;

export const survey = z
  .array(surveyVariable)
  .max(50)
  .superRefine((variables, context) => {
    const seen = new Set<string>();
    for (const [index, variable] of variables.entries()) {
      if (seen.has(variable.name)) {
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is there twice' });
      }
      seen.add(variable.name);
      const isOffered =
        variable.type !== 'enum' ||
        variable.default === undefined ||
        variable.values.some(({ value }) => value === variable.default);
      if (!isOffered) {
        context.addIssue({ code: 'custom', path: [index, 'default'], message: 'must be one of the values' });
      }
    }
  });

/** An app that knows numbers gets a number as a number. */
export const surveyValue = z.union([text, z.int()]);
export type SurveyValue = z.infer<typeof surveyValue>;
/** Value as input: also from an integration or a schedule, which have no form. */
export const surveyValueInput = written(surveyValue);

const byVariable = <T extends z.ZodType>(values: T) =>
  valuesByName(variableName, values).refine((answers) => Object.keys(answers).length <= 50, {
    error: 'must hold at most 50 answers',
  });

/** Answers by name of the variable. */
export const surveyAnswers = byVariable(surveyValue);
export type SurveyAnswers = z.infer<typeof surveyAnswers>;

/** Answers, or null to remove one. */
export const surveyChanges = byVariable(surveyValue.nullable());
