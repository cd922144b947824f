/** Lists every secret value of a payload, for the maskers. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { KeySecret } from '../../protocol/key.ts';
import { decodeUrlPart, parseGitUrl } from '../task/git-url.ts';

const secretsOfKey = (key: KeySecret | undefined): string[] => {
  switch (key?.type) {
    case 'ssh':
      return [key.privateKey, key.passphrase ?? ''];
    case 'login_password':
      return [key.password];
    case 'string':
      return [key.value];
    default:
      return [];
  }
};

/** Password in the URL, and the user if it may be a token: that is, unless a key provides its password. */
const secretsOfUrl = ({ url, key }: NonNullable<TaskPayload['repository']>): string[] => {
  const { user, password } = parseGitUrl(url);
  const isLogin = key?.type === 'login_password' || key?.type === 'string';
  const secret = password ?? (isLogin ? undefined : user);
  return secret === undefined ? [] : [secret, decodeUrlPart(secret)];
};

export const secretsOf = (payload: TaskPayload): string[] => [
  ...Object.values(payload.secrets),
  ...Object.values(payload.secretFiles ?? {}),
  ...Object.values(payload.surveySecrets ?? {}).map(String),
  ...secretsOfKey(payload.repository?.key),
  ...(payload.repository ? secretsOfUrl(payload.repository) : []),
  ...secretsOfKey(payload.inventory?.key),
  ...secretsOfKey(payload.ansible?.becomeKey),
  ...(payload.ansible?.vaultKeys ?? []).flatMap(({ key }) => secretsOfKey(key)),
];
