/** The store of people. Their roles and their sign-ins are on their own item: one read tells all that a request needs. */
import * as z from 'zod';
import {
  type Clock,
  email,
  epochMs,
  instant,
  type LoginId,
  loginId,
  type ProjectId,
  type Role,
  role,
  toInstant,
  type User,
  type UserId,
  user,
  userId,
} from '../../../protocol/index.ts';
import type { Condition, Update } from '../expressions.ts';
import { idsBetween, type NewId } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { keys, queryAll, type Table } from '../table.ts';

/** How long a sign-in is good. */
export const loginLifetimeMs = 43_200_000;

const storedUser = user.omit({ hasTotp: true }).extend({
  passwordHash: z.string().optional(),
  /** Who they are to the sign-in provider, once they have signed in by it: `issuer|subject`. */
  subject: z.string().optional(),
  /** When the sign-in provider first vouched that the address is theirs. */
  provenAt: instant.optional(),
  /** Raised when all credentials become void at once; what they mint carries it. */
  credentialsVersion: z.int().default(0),
  logins: z.set(loginId).default(new Set()),
  totpSecret: z.string().optional(),
  /** Shown, and not yet proven. */
  newTotpSecret: z.string().optional(),
  /** The last time step of which a code was taken: each is good once. */
  totpStep: z.int().optional(),
});

/** Attributes of their own, so that two roles are never one write. */
const rolePrefix = 'role#';
const roleAttribute = (projectId: ProjectId) => `${rolePrefix}${projectId}`;

export interface UserRecord extends z.infer<typeof storedUser> {
  readonly roles: Readonly<Record<string, Role>>;
}

export interface NewUser {
  readonly email: string;
  readonly name: string;
  readonly isAdmin?: boolean;
  readonly passwordHash?: string;
}

/** What else an item has are its roles, and what this version does not know. */
const userRecord = storedUser.catchall(z.unknown()).transform((item, context): UserRecord => {
  const roles = Object.entries(item).flatMap(([attribute, value]) => {
    if (!attribute.startsWith(rolePrefix)) return [];
    const itsRole = role.safeParse(value);
    if (!itsRole.success) context.addIssue({ code: 'custom', path: [attribute], message: 'is no role' });
    return itsRole.success ? [[attribute.slice(rolePrefix.length), itsRole.data] as const] : [];
  });
  return { ...storedUser.parse(item), roles: Object.fromEntries(roles) };
});

/** What the API may show of a person. */
export const publicUser = (record: UserRecord): User =>
  user.parse({ ...record, hasTotp: record.totpSecret !== undefined });

const emailBinding = z.object({ userId });

/** The credentials are still those that were checked: who signs in or changes them has proved these and no later ones. */
const hasCredentialsOf = ({ credentialsVersion, passwordHash }: UserRecord): Condition[] => [
  credentialsVersion === 0
    ? ['missing', 'credentialsVersion']
    : ['=', 'credentialsVersion', credentialsVersion],
  passwordHash === undefined ? ['missing', 'passwordHash'] : ['=', 'passwordHash', passwordHash],
];

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
}

export type UserStore = ReturnType<typeof userStore>;

export const userStore = (table: Table, { now, newId }: Deps) => {
  const records = recordsOf(table, userRecord);
  const get = async (id: string): Promise<UserRecord | undefined> =>
    records.readIf(await table.get(keys.user(id)));

  const change = (id: UserId, update: Update, conditions: Parameters<Table['update']>[2] = []) =>
    records.update(keys.user(id), update, [['exists', 'pk'], ...conditions]);

  const findByEmail = async (address: string): Promise<UserRecord | undefined> => {
    const item = await table.get(keys.userEmail(address));
    // Two reads also for whom there is not, so that nobody learns by the time whether somebody exists.
    const found = await get(item ? recordsOf(table, emailBinding).read(item).userId : 'nobody');
    return found?.email === address ? found : undefined;
  };

  /** Oldest first. */
  const list = async (): Promise<UserRecord[]> =>
    records.readAll(await queryAll(table, { pk: keys.user('').pk, prefix: 'usr_' }));

  /** Without a role they are no member any more. */
  const setRole = (id: UserId, projectId: ProjectId, itsRole: Role | undefined) =>
    change(id, { set: { [roleAttribute(projectId)]: itsRole } });

  return {
    get,
    list,
    setRole,
    findByEmail,

    /** Undefined when the address is somebody's. */
    create: async (input: NewUser): Promise<UserRecord | undefined> => {
      const id = newId('usr');
      const address = email.parse(input.email);
      const binding = { ...keys.userEmail(address), userId: id };
      if (!(await table.put(binding, [['missing', 'pk']]))) {
        // A binding whose person is gone, or was never made, is taken over.
        if (await findByEmail(address)) return undefined;
        await table.put(binding);
      }
      const made = { isAdmin: false, ...input, email: address, id, createdAt: now() };
      const item = { ...keys.user(id), ...made };
      await records.put(item, [['missing', 'pk']]);
      return records.read(item);
    },

    /** Whether there was such a person to remove. Their sign-ins end with them. */
    remove: async ({ id, email: address }: Pick<UserRecord, 'id' | 'email'>): Promise<boolean> => {
      const removed = await table.remove(keys.user(id), [['exists', 'pk']]);
      await table.remove(keys.userEmail(address), [['=', 'userId', id]]);
      return removed;
    },

    setAdmin: (id: UserId, isAdmin: boolean) => change(id, { set: { isAdmin } }),

    /** The project is no more: nobody is anything in it. */
    leaveProject: async (projectId: ProjectId): Promise<void> => {
      for (const { id } of (await list()).filter(({ roles }) => roles[projectId] !== undefined)) {
        await setRole(id, projectId, undefined);
      }
    },

    /** A new password ends all sign-ins. Undefined when the credentials are no longer those of the record. */
    setPassword: (known: UserRecord, passwordHash: string) =>
      change(known.id, { set: { passwordHash }, unset: ['logins'] }, hasCredentialsOf(known)),

    /**
     * Ties them to an account of the sign-in provider; undefined when they are tied to another of the same issuer. Until the provider
     * has vouched once, whoever got hold of an invitation may have set the credentials: the same write makes them all void, and with
     * the version all that was minted by them.
     */
    bindSubject: async (
      { id, subject: before }: UserRecord,
      account: { issuer: string; subject: string },
    ): Promise<{ readonly user: UserRecord; readonly isFirstProof: boolean } | undefined> => {
      const subject = `${account.issuer}|${account.subject}`;
      const isOfAnother = before !== undefined && !before.startsWith(`${account.issuer}|`);
      const mayBind: Condition = isOfAnother
        ? ['=', 'subject', before]
        : ['any', ['missing', 'subject'], ['=', 'subject', subject]];
      const proof: Update = {
        set: { subject, provenAt: now() },
        add: { credentialsVersion: 1 },
        unset: ['passwordHash', 'totpSecret', 'newTotpSecret', 'totpStep', 'logins'],
      };
      const proven = await change(id, proof, [mayBind, ['missing', 'provenAt']]);
      if (proven) return { user: proven, isFirstProof: true };
      const bound = await change(id, { set: { subject } }, [mayBind, ['exists', 'provenAt']]);
      return bound && { user: bound, isFirstProof: false };
    },

    /** These two are undefined when the credentials are no longer those of the record. */
    offerTotp: (known: UserRecord, newTotpSecret: string) =>
      change(known.id, { set: { newTotpSecret } }, hasCredentialsOf(known)),
    setTotp: (known: UserRecord, totpSecret: string | undefined, totpStep?: number) =>
      change(known.id, { set: { totpSecret, totpStep }, unset: ['newTotpSecret'] }, hasCredentialsOf(known)),
    /** Takes the code of a time step; undefined when it, or a later one, was taken before. */
    spendTotp: (id: UserId, totpStep: number) =>
      change(id, { set: { totpStep } }, [['any', ['missing', 'totpStep'], ['<', 'totpStep', totpStep]]]),

    /** Remembers a sign-in, and forgets those that are over. Undefined when the credentials are no longer those of the record. */
    addLogin: async (known: UserRecord): Promise<LoginId | undefined> => {
      const { id, logins } = known;
      const login = newId('lgn', now());
      const oldest = toInstant(epochMs(now()) - loginLifetimeMs);
      const { from } = idsBetween('lgn', oldest, oldest);
      const over = [...logins].filter((one) => one < from);
      if (over.length > 0) await change(id, { take: { logins: new Set<string>(over) } });
      const added = await change(id, { add: { logins: new Set([login]) } }, hasCredentialsOf(known));
      return added && login;
    },
    removeLogin: (id: UserId, login: LoginId) => change(id, { take: { logins: new Set([login]) } }),
  };
};
