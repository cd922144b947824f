/**
 * Reads why git failed from its messages (LC_ALL=C), because no exit code says it. The messages are those of
 * git since 2.30, of curl with OpenSSL and GnuTLS, of OpenSSH and of git-lfs.
 */

export type GitFault =
  | 'disk_full'
  | 'no_lfs_program'
  | 'host_key_changed'
  | 'host_key_unknown'
  | 'key_unreadable'
  | 'proxy'
  | 'certificate'
  | 'login'
  | 'forbidden'
  | 'no_lfs_object'
  | 'no_host'
  | 'unreachable'
  | 'no_reference'
  | 'owner'
  | 'local_submodule'
  | 'no_repository'
  | 'server'
  | 'broken_off'
  | 'refused';

interface Meaning {
  said: RegExp;
  /** Says what happened, and what to do. */
  reason: string;
}

/** In order of precedence: git adds general messages to those of ssh, curl and git-lfs. */
const meanings: Readonly<Record<GitFault, Meaning>> = {
  // Only git itself says this, once the server has let it in: a banner of ssh may have any of the words
  // below.
  no_reference: {
    said: /couldn't find remote ref|not our ref|unadvertised object|did not contain [0-9a-f]{40}/i,
    reason: 'there is no such branch, tag or commit: correct it, or push it',
  },
  disk_full: {
    said: /No space left on device|Disk quota exceeded/,
    reason: 'the disk of the runner is full: make room in its working folder, or give it a larger volume',
  },
  no_lfs_program: {
    said: /git-lfs: (command )?not found|'lfs' is not a git command/,
    reason:
      'git of this runner is set up for Git LFS, but git-lfs is not installed: install the package git-lfs on it',
  },
  host_key_changed: {
    said: /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
    reason:
      'the server shows another host key than the one given or remembered: if it was replaced, correct knownHosts, or remove its line from the known_hosts of the project on the runner',
  },
  host_key_unknown: {
    said: /Host key verification failed|No .* host key is known for/,
    reason:
      "the server's host key is not a given one: add its line to knownHosts of the repository or the key",
  },
  key_unreadable: {
    said: /Load key .*(invalid format|error in libcrypto|incorrect passphrase)|incorrect passphrase supplied/,
    reason: 'ssh cannot open the key of the repository: check the key and its passphrase',
  },
  proxy: {
    said: /Could not resolve proxy|HTTP code 407|response 407|error: 407|Proxy CONNECT aborted/i,
    reason: 'the proxy is not found or refuses: check http_proxy or https_proxy, and the login in it',
  },
  certificate: {
    said: /certificate verification failed|SSL certificate problem|verify locations|setting certificate file|SSL CA cert|no alternative certificate subject name|certificate subject name .* does not match|SSL certificate verify/i,
    reason:
      "the server's certificate is not trusted: give the CA's certificate in GIT_SSL_CAINFO, a path on the runner or a secret file",
  },
  login: {
    said: /Authentication failed for|could not read (Username|Password) for|Permission denied \(|Too many authentication failures|Git credentials for .* not found|Authentication required|error: 401|Invalid username or (password|token)/i,
    reason: 'the server refuses the login or asks for one: check the key of the repository',
  },
  forbidden: {
    said: /error: 403|access denied|not authorized|permission to .* denied/i,
    reason: 'the server denies access: give the key of the repository the right to read it',
  },
  no_lfs_object: {
    said: /Object does not exist on the server|smudge filter lfs failed|LFS objects? .*missing/i,
    reason:
      'the server does not give out an object of Git LFS: push it with `git lfs push --all`, or check the LFS access of the key',
  },
  no_host: {
    said: /Could not resolve host/i,
    reason: 'there is no host of that name: correct the URL, or the name server of the runner',
  },
  unreachable: {
    said: /Failed to connect|Couldn't connect to server|Connection (refused|timed out)|Operation timed out|No route to host|Network is unreachable|Connection (closed|reset) by/i,
    reason: 'the server cannot be reached: check host and port of the URL, and the network of the runner',
  },
  owner: {
    said: /detected dubious ownership/,
    reason:
      'it belongs to another user than the one that the server runs as: correct its owner, or safe.directory of the server',
  },
  local_submodule: {
    said: /transport 'file' not allowed/,
    reason:
      'it is a path on the runner, which only a repository that is itself such a path may name: correct .gitmodules',
  },
  no_repository: {
    said: /does not appear to be a git repository|Repository .*(not found|does not exist)|project .* could not be found|error: 404/i,
    reason:
      'there is no such repository, or it may not be read: check the URL, and the rights of the key or of the agent on a path',
  },
  server: {
    said: /error: 5\d\d|error: 429/,
    reason: 'the server failed or is too busy: try again later',
  },
  broken_off: {
    said: /early EOF|hung up unexpectedly|RPC failed/,
    reason: 'the connection to the server broke off: try again',
  },
  refused: {
    said: /unable to access|Could not read from remote repository|remote error:/,
    reason: 'the server, or the way to it, refuses: see the log, and check URL, key and host key',
  },
};

const isFault = (name: string): name is GitFault => name in meanings;

/** Undefined when git's messages name no known cause. */
export const gitFaultIn = (messages: string): GitFault | undefined =>
  Object.keys(meanings)
    .filter(isFault)
    .find((name) => meanings[name].said.test(messages));

/** Reason for people: what happened, and what to do. */
export const gitReason = (messages: string): string => {
  const fault = gitFaultIn(messages);
  return fault === undefined
    ? 'see the log, and check URL, branch, key and host key'
    : meanings[fault].reason;
};

/**
 * Returns true when the object format of the server's repository (SHA-1, SHA-256) is not the local one. The
 * first message is that of protocol version 2, the second that of older ones, which plain ssh servers use.
 */
export const isOtherFormat = (messages: string): boolean =>
  /mismatched algorithms|does not support this repository's object format/.test(messages);
