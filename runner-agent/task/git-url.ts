/** Parses the URL of a repository: the URL for git, the server in it, and the credentials in it. */

export interface GitServer {
  scheme: 'https' | 'http' | 'ssh';
  host: string;
  port: string | undefined;
}

export interface GitUrl {
  /** URL for git and the log: an http or https URL without its credentials. */
  url: string;
  /** Undefined for a path and for an invalid host: no key can be bound to those. */
  server: GitServer | undefined;
  /** User and password of an http or https URL, not decoded. */
  user: string | undefined;
  password: string | undefined;
}

/**
 * Matches a host name (letters, digits, "_", "." and "-") or an IPv6 address: no pattern, and no flag to ssh
 * or git.
 */
const plainHost = /^(?:([A-Za-z0-9_][A-Za-z0-9._-]*)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?$/;

const serverOf = (scheme: GitServer['scheme'], authority: string): GitServer | undefined => {
  const [, name, address, port] = plainHost.exec(authority) ?? [];
  const host = name ?? address;
  return host === undefined ? undefined : { scheme, host, port };
};

/** Decodes a part of a URL. Returns it unchanged if it is not encoded correctly. */
export const decodeUrlPart = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Returns true for a path on this machine, also as a file URL. */
export const isLocal = (url: string): boolean => url.startsWith('/') || /^file:/i.test(url);

/** The userinfo ends at the last "@" before the path, so that the rest begins with the host. */
const web = /^(https?):\/\/(?:([^/?#]*)@)?([^/?#@]*)(.*)$/s;
const secureShell = /^ssh:\/\/(?:[^/?#]*@)?([^/?#@]*)/;
const scpForm = /^[^/@]+@([^/:]+):/;

export const parseGitUrl = (url: string): GitUrl => {
  const [, scheme, userinfo, authority = '', rest = ''] = web.exec(url) ?? [];
  if (scheme === 'https' || scheme === 'http') {
    const [user, ...password] = userinfo?.split(':') ?? [];
    return {
      url: `${scheme}://${authority}${rest}`,
      server: serverOf(scheme, authority),
      user: user || undefined,
      password: password.length > 0 ? password.join(':') : undefined,
    };
  }
  const [, host = ''] = secureShell.exec(url) ?? scpForm.exec(url) ?? [];
  return { url, server: serverOf('ssh', host), user: undefined, password: undefined };
};
