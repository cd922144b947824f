/** Checks that a response is one that the document allows. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Document, Operation } from './document.ts';

const pointer = (...parts: readonly string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Returns the fault of a response; undefined without one. */
export const makeChecker = (document: Document) => {
  // The document has formats for people; only its patterns are checked.
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, 'api', false, false);
  const compiled = new Map<string, ValidateFunction>();
  const validatorOf = (place: string): ValidateFunction => {
    const known = compiled.get(place);
    if (known) return known;
    const made = ajv.compile({ $ref: `api#${place}` });
    compiled.set(place, made);
    return made;
  };

  return (operation: Operation, { status, contentType, text }: Answer): string | undefined => {
    if (status >= 500) return `answered ${status}`;
    const response = operation.responses[String(status)];
    if (!response) return `answered ${status}, which it does not declare`;
    const declared = Object.keys(response.content ?? {});
    if (declared.length === 0) return text === '' ? undefined : 'answered with a body where none is declared';
    const type = contentType.split(';')[0] ?? '';
    if (!declared.includes(type))
      return `answered ${status} as ${type || 'nothing'}, which it does not declare`;
    if (!type.endsWith('json')) return undefined;
    const place = pointer(
      'paths',
      operation.path,
      operation.method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    );
    const validate = validatorOf(place);
    if (validate(JSON.parse(text))) return undefined;
    return `answered ${status} with what breaks its schema: ${ajv.errorsText(validate.errors)}`;
  };
};
