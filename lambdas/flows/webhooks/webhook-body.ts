/** Parses the body of a webhook by the schema, or returns the faults. */
import * as z from 'zod';
import { issueText } from '../../core/issue-text.ts';

export type ParsedBody<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly code: 'malformed_json' | 'invalid_request'; readonly detail: string };

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const parseWebhookBody = <T>(schema: z.ZodType<T>, text: string): ParsedBody<T> => {
  const json = parseJson(text);
  if (json === undefined) return { ok: false, code: 'malformed_json', detail: 'The body is not JSON.' };
  const parsed = schema.safeParse(json, { error: issueText });
  if (parsed.success) return { ok: true, body: parsed.data };
  const detail = `The body is not a webhook. ${z.prettifyError(parsed.error)}`;
  return { ok: false, code: 'invalid_request', detail };
};
