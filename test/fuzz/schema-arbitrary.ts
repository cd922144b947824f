/** Makes values from a JSON Schema of the OpenAPI document: some fit, some almost fit. */
import fc from 'fast-check';
import * as z from 'zod';

/** The part of JSON Schema that our document uses; other keywords are ignored. */
const jsonSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
});
export type JsonSchema = z.infer<typeof jsonSchema>;

export interface Sources {
  /** Resolves `#/components/schemas/…`. */
  readonly resolve: (ref: string) => unknown;
  /** Existing ids, by a prefix such as `tpl`; none for an unknown prefix. */
  readonly idsOf: (prefix: string) => readonly string[];
  /** Valid values for a property of that name, such as `lease`. */
  readonly valuesOf: (property: string) => readonly string[];
}

/** Text that breaks programs: long, empty, null bytes, other scripts, paths, prototypes. */
const nastyText = fc.constantFrom(
  '',
  ' ',
  '\u0000',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%00',
  '🐛'.repeat(50),
  '\ud800',
  'x'.repeat(5000),
  "'; DROP TABLE",
  '{{7*7}}',
);

const anyJson = fc.oneof(
  nastyText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, [], {}, -1, 0, 1e308, 2 ** 60, true, ['__proto__'], {
    id: null,
  }),
);

const anInstant = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());

const byFormat: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'date-time': anInstant,
  email: fc.nat(50).map((number) => `person${number}@example.org`),
  uri: fc.constantFrom('https://example.org/hook', 'http://127.0.0.1:1/x', 'https://example.org/a.git'),
  uuid: fc.uuid(),
};

const matching = new Map<string, fc.Arbitrary<string>>();

/** Cached, as fast-check takes far longer to read a pattern than to use it. */
const textMatching = (pattern: string): fc.Arbitrary<string> => {
  const known = matching.get(pattern);
  if (known) return known;
  const made = readPattern(pattern);
  matching.set(pattern, made);
  return made;
};

const readPattern = (pattern: string): fc.Arbitrary<string> => {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    // Look-around and the like, which fast-check cannot invert.
    return fc.string({ maxLength: 20 });
  }
};

const aText = (schema: JsonSchema, sources: Sources): fc.Arbitrary<string> => {
  const { pattern, format, minLength = 0, maxLength = 40 } = schema;
  const prefix = /^\^([a-z]{3})_/.exec(pattern ?? '')?.[1];
  if (prefix !== undefined && pattern !== undefined) {
    const known = sources.idsOf(prefix);
    const invented = textMatching(pattern);
    return known.length > 0
      ? fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 4 }, { arbitrary: invented, weight: 1 })
      : invented;
  }
  const formatted = format === undefined ? undefined : byFormat[format];
  if (formatted) return formatted;
  if (pattern !== undefined) return textMatching(pattern);
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)) });
};

/** Leaves out most optional fields, as each further field may conflict with another. */
export const sometimes = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary: value, weight: 1 });

const anObject = (schema: JsonSchema, sources: Sources, depth: number): fc.Arbitrary<unknown> => {
  const required = new Set(schema.required);
  const properties = Object.entries(schema.properties ?? {}).map(
    ([name, one]): [string, fc.Arbitrary<unknown>] => {
      const good = sources.valuesOf(name);
      const made = fitting(one, sources, depth - 1);
      const value =
        good.length > 0
          ? fc.oneof(
              { arbitrary: fc.constantFrom<unknown>(...good), weight: 4 },
              { arbitrary: made, weight: 1 },
            )
          : made;
      return [name, required.has(name) ? value : sometimes(value)];
    },
  );
  const named = fc
    .record(Object.fromEntries(properties))
    .map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)));
  const more = jsonSchema.safeParse(schema.additionalProperties);
  if (!more.success || schema.properties) return named;
  return fc.dictionary(textMatching('^[A-Za-z_][A-Za-z0-9_]{0,8}$'), fitting(more.data, sources, depth - 1), {
    maxKeys: 3,
  });
};

/** Numbers whose digits some program may lose, or that it rejects. */
const hardNumbers = [5e-324, 1e-200, 1e-130, 0.1, 2 ** 53, 20_261_130_120_000_000, 1e30, 1e126, 1e200, 1e308];

/** Adds the ends of the schema's range, and the hard numbers that it allows. */
const orAtTheEdge = (
  { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY }: JsonSchema,
  usual: fc.Arbitrary<number>,
  hard: readonly number[] = [],
): fc.Arbitrary<number> => {
  const edges = [minimum, maximum, ...hard.flatMap((one) => [one, -one])];
  const allowed = edges.filter((one) => Number.isFinite(one) && one >= minimum && one <= maximum);
  return allowed.length === 0
    ? usual
    : fc.oneof({ arbitrary: usual, weight: 2 }, { arbitrary: fc.constantFrom(...allowed), weight: 1 });
};

/** Values that fit the schema, as far as this module understands it. */
export const fitting = (given: unknown, sources: Sources, depth = 6): fc.Arbitrary<unknown> => {
  const schema = jsonSchema.parse(typeof given === 'object' && given !== null ? given : {});
  if (depth <= 0) return fc.constant(null);
  if (schema.$ref !== undefined) return fitting(sources.resolve(schema.$ref), sources, depth);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((one) => fitting(one, sources, depth)));
  if (schema.allOf) {
    return fc
      .tuple(...schema.allOf.map((one) => fitting(one, sources, depth)))
      .map((parts) =>
        parts.every((part) => typeof part === 'object') ? Object.assign({}, ...parts) : parts[0],
      );
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'string':
      return aText(schema, sources);
    case 'integer':
      return orAtTheEdge(
        schema,
        fc.integer({ min: schema.minimum ?? -1000, max: Math.min(schema.maximum ?? 1_000_000, 2 ** 31) }),
      );
    case 'number':
      return orAtTheEdge(
        schema,
        fc.double({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1e6, noNaN: true }),
        hardNumbers,
      );
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(fitting(schema.items, sources, depth - 1), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? 3, 3)),
      });
    case 'object':
      return anObject(schema, sources, depth);
    default:
      return anyJson;
  }
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Spoils one place of a value: a wrong type, a missing field, an extra one, or a nested one. */
const spoil = (value: unknown, junk: unknown, at: number): unknown => {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((one, index) => (index === at % value.length ? spoil(one, junk, at >> 2) : one));
  }
  const names = isRecord(value) ? Object.keys(value) : [];
  const name = names[at % Math.max(1, names.length)];
  if (!isRecord(value) || name === undefined || at % 7 === 0) return junk;
  switch (at % 4) {
    case 0: {
      const { [name]: _gone, ...rest } = value;
      return rest;
    }
    case 1:
      return { ...value, unknownField: junk };
    default:
      return { ...value, [name]: spoil(value[name], junk, at >> 2) };
  }
};

/** Values that fit, and as many that do not: spoilt in one place, or of any form. */
export const nearly = (schema: unknown, sources: Sources): fc.Arbitrary<unknown> => {
  const good = fitting(schema, sources);
  return fc.oneof(
    { arbitrary: good, weight: 6 },
    {
      arbitrary: fc.tuple(good, anyJson, fc.nat(1000)).map(([value, junk, at]) => spoil(value, junk, at)),
      weight: 3,
    },
    { arbitrary: anyJson, weight: 1 },
  );
};

const numbersIn = (value: unknown): number => {
  if (typeof value === 'number') return 1;
  const parts = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return parts.reduce((sum: number, part) => sum + numbersIn(part), 0);
};

/** Replaces one of the numbers of a value by `hard`. */
const replaceNumber = (value: unknown, hard: number, at: number): unknown => {
  let index = 0;
  return JSON.parse(JSON.stringify(value), (_, one: unknown) =>
    typeof one === 'number' && index++ === at ? hard : one,
  );
};

/** Accepted bodies under another name with one hard number, so that nothing else causes a refusal. */
export const withHardNumber = (bodies: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      fc.constantFrom(...bodies),
      fc.constantFrom(...hardNumbers, ...hardNumbers.map((one) => -one)),
      fc.nat(1000),
    )
    .map(([body, hard, at]) => {
      const changed = replaceNumber(body, hard, at % Math.max(1, numbersIn(body)));
      return isRecord(changed) && typeof changed.name === 'string' ? { ...changed, name: `N${at}` } : changed;
    });

/** Text for paths and headers: permitted text, and text that breaks programs. */
export const wildText = fc.oneof(nastyText, fc.string({ maxLength: 30 }));
