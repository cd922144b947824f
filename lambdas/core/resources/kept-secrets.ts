/** Completes a change with the secrets that it keeps: a missing one stays, null removes it. */
import type {
  EnvironmentInput,
  EnvironmentUpdate,
  KeySecret,
  KeyUpdate,
  ScheduleUpdate,
  SurveyAnswers,
  SurveyValue,
} from '../../../protocol/index.ts';

const applied = <T>(
  kept: Readonly<Record<string, T>>,
  changes: Readonly<Record<string, T | null>>,
): Record<string, T> =>
  Object.fromEntries(
    Object.entries({ ...kept, ...changes }).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    ),
  );

export type EnvironmentSecrets = Pick<EnvironmentInput, 'secrets' | 'secretFiles'>;

export const filledEnvironment = (update: EnvironmentUpdate, kept: EnvironmentSecrets): object => ({
  ...update,
  secrets: applied(kept.secrets, update.secrets),
  secretFiles: applied(kept.secretFiles, update.secretFiles),
});

type SshUpdate = Extract<KeyUpdate['secret'], { type: 'ssh' }>;
type SshKey = Extract<KeySecret, { type: 'ssh' }>;

/** A passphrase belongs to its private key, so a new key drops the old passphrase. */
const filledSsh = ({ passphrase, ...sent }: SshUpdate, kept: SshKey): object => {
  const before = sent.privateKey === undefined ? kept.passphrase : undefined;
  const phrase = passphrase === undefined ? before : passphrase;
  return {
    ...sent,
    privateKey: sent.privateKey ?? kept.privateKey,
    passphrase: phrase ?? undefined,
  };
};

const filledSecret = (sent: NonNullable<KeyUpdate['secret']>, kept: KeySecret): object => {
  if (sent.type === 'ssh' && kept.type === 'ssh') return filledSsh(sent, kept);
  if (sent.type === 'login_password' && kept.type === 'login_password')
    return { ...sent, password: sent.password ?? kept.password };
  if (sent.type === 'string' && kept.type === 'string') return { ...sent, value: sent.value ?? kept.value };
  const { passphrase, ...rest } = { passphrase: undefined, ...sent };
  return { ...rest, ...(typeof passphrase === 'string' && { passphrase }) };
};

/** A secret of another type keeps nothing: its missing fields stay missing. */
export const filledKey = ({ name, secret }: KeyUpdate, kept: KeySecret): object => ({
  name,
  secret: secret === undefined ? kept : filledSecret(secret, kept),
});

/** Completes a change of a schedule. `kept`: the previous secret answers, for the same template. */
export const filledSchedule = (update: ScheduleUpdate, kept: SurveyAnswers): object => {
  const survey = applied<SurveyValue>(kept, update.survey ?? {});
  return { ...update, survey: Object.keys(survey).length > 0 ? survey : undefined };
};
