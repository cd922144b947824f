/** The URL of a repository, taken apart: what git is given, the server that it names, and the credentials in it. */

export interface GitServer {
  scheme: 'https' | 'http' | 'ssh';
  host: string;
  port: string | undefined;
}

export interface GitUrl {
  /** What git is given and the log shows: an http or https URL without the credentials in it. */
  url: string;
  /** Undefined for a path, and for a host that is none: no key can be bound to that. */
  server: GitServer | undefined;
  /** The user and password of an http or https URL, as they stand in it. */
  user: string | undefined;
  password: string | undefined;
}

/** No pattern and no flag to ssh or git: letters, digits and what else a host's name has, or an IPv6 address. */
const plainHost = /^(?:([A-Za-z0-9_][A-Za-z0-9._-]*)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?$/;

const serverOf = (scheme: GitServer['scheme'], authority: string): GitServer | undefined => {
  const [, name, address, port] = plainHost.exec(authority) ?? [];
  const host = name ?? address;
  return host === undefined ? undefined : { scheme, host, port };
};

/** What a part of a URL means; one that is not encoded right is taken as it is. */
export const decodeUrlPart = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The userinfo reaches to the last "@" before the path, so that what is left has a host and nothing before it. */
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
