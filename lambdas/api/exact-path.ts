/** The path of a request as its sender meant it. */

/**
 * An HTTP API hands on the path decoded, and hono puts it into a URL as it is. There a "?" would begin the query, a "%" be decoded
 * again, a "\\" become "/", and a control character or a space at the end be dropped. So these are encoded once more.
 */
export const exactPath = (decoded: string): string =>
  decoded.replaceAll(/[\p{Cc}\s?#%\\]/gu, (character) => encodeURIComponent(character));
