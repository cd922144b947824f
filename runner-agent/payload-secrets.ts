/** Every secret value that a payload carries, for the maskers. */
import type { TaskPayload } from '../protocol/agent.ts';
import type { KeySecret } from '../protocol/key.ts';

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

/** https://user:password@host carries a password too. */
const secretsOfUrl = (url: string | undefined): string[] => {
  const [, credentials = ''] = /^https?:\/\/([^/@]+)@/.exec(url ?? '') ?? [];
  const password = credentials.split(':').slice(1).join(':');
  return [password, decodeLeniently(password)];
};

const decodeLeniently = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

export const secretsOf = (payload: TaskPayload): string[] => [
  ...Object.values(payload.secrets),
  ...Object.values(payload.secretFiles ?? {}),
  ...Object.values(payload.surveySecrets ?? {}).map(String),
  ...secretsOfKey(payload.repository?.key),
  ...secretsOfUrl(payload.repository?.url),
  ...secretsOfKey(payload.inventory?.key),
  ...secretsOfKey(payload.ansible?.becomeKey),
  ...(payload.ansible?.vaultKeys ?? []).flatMap(({ key }) => secretsOfKey(key)),
];
