/** Store of people. Roles and sign-ins are on the person's item, so a request needs one read. */
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

/** Lifetime of a sign-in. */
export const loginLifetimeMs = 43_200_000;

const storedUser = user.omit({ hasTotp: true }).extend({
  passwordHash: z.string().optional(),
  /** Identity at the sign-in provider, after the first sign-in with it: `issuer|subject`. */
  subject: z.string().optional(),
  /** First time at which the sign-in provider confirmed the address. */
  provenAt: instant.optional(),
  /** Raised to revoke all credentials at once; tokens that the person makes carry it. */
  credentialsVersion: z.int().default(0),
  logins: z.set(loginId).default(new Set()),
  totpSecret: z.string().optional(),
  /** Shown to the person, not confirmed yet. */
  newTotpSecret: z.string().optional(),
  /** Time step of the last accepted code: each code is valid once. */
  totpStep: z.int().optional(),
});

/** One attribute per role, so that writes of two roles don't conflict. */
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

/** Other attributes are roles, or unknown to this version. */
const userRecord = storedUser.catchall(z.unknown()).transform((item, context): UserRecord => {
  const roles = Object.entries(item).flatMap(([attribute, value]) => {
    if (!attribute.startsWith(rolePrefix)) return [];
    const itsRole = role.safeParse(value);
    if (!itsRole.success) context.addIssue({ code: 'custom', path: [attribute], message: 'is no role' });
    return itsRole.success ? [[attribute.slice(rolePrefix.length), itsRole.data] as const] : [];
  });
  return { ...storedUser.parse(item), roles: Object.fromEntries(roles) };
});

/** Returns the person as the API may show them. */
export const publicUser = (record: UserRecord): User =>
  user.parse({ ...record, hasTotp: record.totpSecret !== undefined });

const emailBinding = z.object({ userId });

/** The credentials are those that were checked: a sign-in or a change has proved these and no later ones. */
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
    // Two reads also for an unknown address, so that the time doesn't show whether an account exists.
    const found = await get(item ? recordsOf(table, emailBinding).read(item).userId : 'nobody');
    return found?.email === address ? found : undefined;
  };

  /** Lists people, oldest first. */
  const list = async (): Promise<UserRecord[]> =>
    records.readAll(await queryAll(table, { pk: keys.user('').pk, prefix: 'usr_' }));

  /** Sets a role; undefined ends the membership. */
  const setRole = (id: UserId, projectId: ProjectId, itsRole: Role | undefined) =>
    change(id, { set: { [roleAttribute(projectId)]: itsRole } });

  return {
    get,
    list,
    setRole,
    findByEmail,

    /** Creates a person. Undefined when the address is taken. */
    create: async (input: NewUser): Promise<UserRecord | undefined> => {
      const id = newId('usr');
      const address = email.parse(input.email);
      const binding = { ...keys.userEmail(address), userId: id };
      if (!(await table.put(binding, [['missing', 'pk']]))) {
        // A binding is taken over when its person was removed or never made.
        if (await findByEmail(address)) return undefined;
        await table.put(binding);
      }
      const made = { isAdmin: false, ...input, email: address, id, createdAt: now() };
      const item = { ...keys.user(id), ...made };
      await records.put(item, [['missing', 'pk']]);
      return records.read(item);
    },

    /** Removes a person with their sign-ins. False when there is no such person. */
    remove: async ({ id, email: address }: Pick<UserRecord, 'id' | 'email'>): Promise<boolean> => {
      const removed = await table.remove(keys.user(id), [['exists', 'pk']]);
      await table.remove(keys.userEmail(address), [['=', 'userId', id]]);
      return removed;
    },

    setAdmin: (id: UserId, isAdmin: boolean) => change(id, { set: { isAdmin } }),

    /** Removes all roles in a project that was removed. */
    leaveProject: async (projectId: ProjectId): Promise<void> => {
      for (const { id } of (await list()).filter(({ roles }) => roles[projectId] !== undefined)) {
        await setRole(id, projectId, undefined);
      }
    },

    /**
     * Sets a password and ends all sign-ins. Undefined when the credentials have changed since the record was
     * read.
     */
    setPassword: (known: UserRecord, passwordHash: string) =>
      change(known.id, { set: { passwordHash }, unset: ['logins'] }, hasCredentialsOf(known)),

    /**
     * Ties the person to an account of the sign-in provider. Undefined when another account of the same
     * issuer is tied. Before the provider's first confirmation, a thief of an invitation may have set the
     * credentials. So the same write revokes them all, and with the version all that was made with them.
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

    /**
     * Stores a new TOTP secret. This and the next are undefined when the credentials have changed since the
     * record was read.
     */
    offerTotp: (known: UserRecord, newTotpSecret: string) =>
      change(known.id, { set: { newTotpSecret } }, hasCredentialsOf(known)),
    setTotp: (known: UserRecord, totpSecret: string | undefined, totpStep?: number) =>
      change(known.id, { set: { totpSecret, totpStep }, unset: ['newTotpSecret'] }, hasCredentialsOf(known)),
    /** Accepts the code of a time step; undefined when that step or a later one was used. */
    spendTotp: (id: UserId, totpStep: number) =>
      change(id, { set: { totpStep } }, [['any', ['missing', 'totpStep'], ['<', 'totpStep', totpStep]]]),

    /**
     * Records a sign-in and removes expired ones. Undefined when the credentials have changed since the
     * record was read.
     */
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
