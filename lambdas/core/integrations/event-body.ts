/**
 * Body of an incoming event in the formats of real senders: JSON, or a form whose field `payload` holds the
 * JSON.
 */
import { type ExactJson, parseExactly } from './exact-json.ts';

export type EventBody =
  | { readonly ok: true; readonly json: ExactJson }
  | { readonly ok: false; readonly detail: string };

const refused = (detail: string): EventBody => ({ ok: false, detail });

const charsetOf = (contentType: string): string =>
  /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8';

const isForm = (contentType: string): boolean =>
  /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType);

/** Returns the raw value of a form field; undefined when it is missing. */
const fieldOf = (form: string, name: string): string | undefined =>
  form
    .split('&')
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/**
 * GitHub sends a form if a webhook is so configured:
 * https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks
 */
const payloadField = 'payload';

/** Decodes text without its byte order mark. Throws on bytes that are invalid in the charset. */
const decode = (bytes: Uint8Array, charset: string): string =>
  new TextDecoder(charset, { fatal: true }).decode(bytes);

export const readEventBody = (bytes: Uint8Array, contentType = ''): EventBody => {
  const charset = charsetOf(contentType);
  let text: string;
  try {
    text = decode(bytes, charset);
  } catch {
    return refused(
      `The body is no text in ${charset}. Send it as UTF-8, or name its charset in Content-Type.`,
    );
  }
  const payload = isForm(contentType) ? fieldOf(text, payloadField) : undefined;
  try {
    const json = parseExactly(
      payload === undefined ? text : decodeURIComponent(payload.replaceAll('+', ' ')),
    );
    // The value is later serialised again, which recurses where parsing does not.
    JSON.stringify(json.value);
    return { ok: true, json };
  } catch (error) {
    if (error instanceof RangeError) return refused('The JSON of the body is nested too deeply.');
    if (error instanceof URIError) return refused('The field "payload" of the form is not UTF-8 text.');
    if (payload !== undefined) return refused('The field "payload" of the form is not JSON.');
    if (isForm(contentType)) return refused('The body is a form without a field "payload", and is not JSON.');
    return refused('The body is not JSON.');
  }
};

/**
 * True when invalid UTF-8 was replaced before: API Gateway passes JSON and text to a function as a string.
 */
export const hasReplacedBytes = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes('\uFFFD');
