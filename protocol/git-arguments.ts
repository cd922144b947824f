/**
 * What a repository's URL and reference mean to git, on whose command line they stand. The control plane asks when they are given,
 * and the agent before it runs git, as version 0.1.0 has stored what is refused today.
 */

/** The part of a URL before the path, with user and host. */
const authorityOf = (url: string): string =>
  /^[a-z]+:\/\/([^/?#]*)/.exec(url)?.[1] ?? /^([^/]*?):/.exec(url)?.[1] ?? '';

/** What is wrong with a repository's URL; undefined: nothing. */
export const gitUrlFault = (url: string): string | undefined => {
  const authority = authorityOf(url);
  // ssh would take it as a flag (CVE-2017-1000117).
  if (/^-|@-/.test(authority)) return 'must not have a user or a host that begins with "-"';
  return url.startsWith('http://') && authority.includes('@')
    ? 'must be https, as the login in it would travel unencrypted'
    : undefined;
};

/**
 * What is wrong with a branch, tag or hash; undefined: nothing. It becomes a part of a refspec, in which ":", "+", "^" and "*" say
 * what is fetched and where it goes; these and the others stand in no reference's name (git-check-ref-format(1)).
 */
export const gitReferenceFault = (reference: string): string | undefined =>
  /^[-+]|[\s~^:?*[\\\p{Cc}]|\.\.|@\{/u.test(reference)
    ? 'must be the name of a branch or a tag, or a hash: no "..", "@{", spaces or any of ~ ^ : ? * [ \\, and no "-" or "+" before it'
    : undefined;
