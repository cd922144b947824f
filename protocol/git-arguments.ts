/**
 * Checks a repository's URL and reference as arguments of git. The control plane checks new ones. The agent
 * checks again before it runs git, as version 0.1.0 stored values that are rejected today.
 */

/** Part of a URL before the path, with user and host. */
const authorityOf = (url: string): string =>
  /^[a-z]+:\/\/([^/?#]*)/.exec(url)?.[1] ?? /^([^/]*?):/.exec(url)?.[1] ?? '';

/** Returns the fault of a repository's URL; undefined: none. */
export const gitUrlFault = (url: string): string | undefined => {
  const authority = authorityOf(url);
  // ssh would treat it as a flag (CVE-2017-1000117).
  if (/^-|@-/.test(authority)) return 'must not have a user or a host that begins with "-"';
  return url.startsWith('http://') && authority.includes('@')
    ? 'must be https, as the login in it would travel unencrypted'
    : undefined;
};

/**
 * Returns the fault of a branch, tag or hash; undefined: none. It becomes part of a refspec, in which ":",
 * "+", "^" and "*" select sources and targets of the fetch. No reference's name has these or the others
 * (git-check-ref-format(1)).
 */
export const gitReferenceFault = (reference: string): string | undefined =>
  /^[-+]|[\s~^:?*[\\\p{Cc}]|\.\.|@\{/u.test(reference)
    ? 'must be the name of a branch or a tag, or a hash: no "..", "@{", spaces or any of ~ ^ : ? * [ \\, and no "-" or "+" before it'
    : undefined;
