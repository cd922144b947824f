/** Restores the path of a request as its sender wrote it. */

/**
 * An HTTP API passes the path on decoded, and hono puts it into a URL unchanged. There a "?" would begin the
 * query, a "%" would be decoded again, a "\\" would become "/", and a control character or a space at the end
 * would be dropped. So these are encoded again.
 */
export const exactPath = (decoded: string): string =>
  decoded.replaceAll(/[\p{Cc}\s?#%\\]/gu, (character) => encodeURIComponent(character));
