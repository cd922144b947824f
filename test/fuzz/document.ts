/** The OpenAPI document as the fuzzer reads it. */
import * as z from 'zod';

const content = z.record(z.string(), z.object({ schema: z.unknown() }));
const operationSchema = z.object({
  operationId: z.string(),
  security: z.array(z.record(z.string(), z.unknown())).default([]),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        schema: z.unknown(),
      }),
    )
    .default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })),
});
export const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});
export type Document = z.infer<typeof documentSchema>;

export interface Operation extends z.infer<typeof operationSchema> {
  readonly path: string;
  readonly method: string;
}

export const operationsOf = (document: Document): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ ...one, path, method: method.toUpperCase() })),
  );

/** `#/components/schemas/Task` → the schema. */
export const resolverOf =
  (document: Document) =>
  (ref: string): unknown =>
    document.components.schemas[ref.split('/').at(-1) ?? ''];
