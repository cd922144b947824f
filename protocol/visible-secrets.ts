/**
 * Secrets in fields that everybody in a project reads: a password or token in a URL, and arguments with
 * secret names. New ones are rejected. Version 0.1.0 stored them, so stored ones are shown redacted.
 */

const instead = '***';

/**
 * Names of credentials, alone or after other words: `token`, `sas_token`, `X-Amz-Security-Token`. An ending
 * `_file` or `_path` names a place. A `kms_encryption_key` is the name of a key in KMS.
 */
const secretName =
  /(?:^|[_-])(?:password|passwd|pwd|passphrase|secret|token|sig|signature|auth|jwt|pat|api_?key|(?:access|account|api|client|customer|private|secret|shared)[_-]key(?:_pem)?|(?<!kms_)encryption_key)$/i;

/** Tokens of git's servers: by their prefix, or long and unlike a name. */
const tokenForm =
  /^(?:gh[oprsu]_|github_pat_|gl(?:pat|dt|oas|ptt|rt)-|ATBB|ATCTT)|^(?=[A-Za-z_]*\d)(?=[0-9_]*[A-Za-z])[A-Za-z0-9_]{32,}$/;

interface UrlParts {
  /** Scheme with "//". */
  readonly scheme: string;
  readonly user?: string;
  readonly password?: string;
  /** URL from the host on. */
  readonly rest: string;
}

/**
 * Without `new URL`, which changes the spelling of the rest. Undefined: it has no host, such as `/srv/a.git`.
 */
const partsOf = (url: string): UrlParts | undefined => {
  const [, scheme = '', authority = '', after = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)(.*)$/is.exec(url) ?? [];
  if (scheme === '') return undefined;
  const at = authority.lastIndexOf('@');
  const rest = authority.slice(at + 1) + after;
  if (at < 0) return { scheme, rest };
  const [user = '', ...password] = authority.slice(0, at).split(':');
  return { scheme, user, rest, password: password.length > 0 ? password.join(':') : undefined };
};

const isSecretPair = (pair: string): boolean => {
  const [[name = '', value = ''] = []] = new URLSearchParams(pair);
  return value !== '' && secretName.test(name);
};

/** Returns the URL in its public form. */
export const redactedUrl = (url: string): string => {
  const parts = partsOf(url);
  if (!parts) return url;
  const { scheme, user, password, rest } = parts;
  const shownUser = user !== undefined && tokenForm.test(user) ? instead : user;
  const login = password === undefined ? shownUser : `${shownUser}:${instead}`;
  const [, place = '', query = ''] = /^([^?#]*)(.*)$/s.exec(rest) ?? [];
  const shownQuery = query.replace(/[^?&;#]+=[^&;#]*/g, (pair) =>
    isSecretPair(pair) ? `${pair.slice(0, pair.indexOf('='))}=${instead}` : pair,
  );
  return `${scheme}${login === undefined ? '' : `${login}@`}${place}${shownQuery}`;
};

/**
 * Returns the fault of a new repository URL; undefined: none. A user alone, such as `ssh://git@…`, is
 * allowed. A URL copied from its redacted form is rejected.
 */
export const urlSecretFault = (url: string): string | undefined =>
  redactedUrl(url) !== url || url.includes(instead)
    ? 'must not hold a password or a token, as everybody in the project reads it. Use a key instead'
    : undefined;

const isSecretArgument = (name: string, value: string): boolean =>
  (secretName.test(name) && !/^(?:true|false|)$/.test(value)) ||
  partsOf(value)?.password !== undefined ||
  /-----BEGIN|"private_key"/.test(value) ||
  value === instead;

/** Returns the arguments by name in their public form. */
export const redactedArguments = (all: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, isSecretArgument(name, value) ? instead : value]),
  );

/** Returns the names of arguments with a secret. */
export const secretArguments = (all: Readonly<Record<string, string>>): string[] =>
  Object.entries(all).flatMap(([name, value]) => (isSecretArgument(name, value) ? [name] : []));
