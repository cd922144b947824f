/** Invitations into a project: a single-use token for one e-mail address and one role. */
import {
  addMs,
  type Clock,
  epochMs,
  type Invitation,
  type InvitationInput,
  invitation,
  type ProjectId,
} from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import type { NewId } from '../ids.ts';
import { isMakerValid, type Maker, toStore } from '../makers.ts';
import { recordsOf } from '../records.ts';
import {
  formatToken,
  hashSecret,
  makeSecret,
  matchesHash,
  type RandomBytes,
  splitInvitationToken,
} from '../runners/registration-tokens.ts';
import { type Item, keys, queryAll, type Table } from '../table.ts';

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
}

/** Removes invitations whose maker's credentials have changed. */
const stillGood = async (table: Table, items: readonly Item[]): Promise<Item[]> => {
  const valid = await Promise.all(items.map((item) => isMakerValid(table, item)));
  return items.filter((_, index) => valid[index]);
};

export type InvitationStore = ReturnType<typeof invitationStore>;

export const invitationStore = (table: Table, { now, newId, randomBytes }: Deps) => ({
  create: async (
    projectId: ProjectId,
    input: InvitationInput,
    maker: Maker,
  ): Promise<Invitation & { token: string }> => {
    const { email, role, expiresInMs } = input;
    const createdAt = now();
    const validUntil = addMs(createdAt, expiresInMs);
    const made: Invitation = { id: newId('ivt'), projectId, email, role, createdAt, validUntil };
    const secret = makeSecret(randomBytes);
    await recordsOf(table, invitation).put(
      {
        ...keys.resource(projectId, made.id),
        ...made,
        ...toStore(maker),
        hash: hashSecret(secret),
        expiresAt: Math.ceil(epochMs(validUntil) / 1000),
      },
      [['missing', 'pk']],
    );
    return { ...made, token: formatToken(projectId, made.id, secret) };
  },

  /** Lists open invitations. */
  list: async (projectId: ProjectId): Promise<Invitation[]> =>
    recordsOf(table, invitation).readAll(
      await stillGood(
        table,
        await queryAll(table, { pk: projectId, prefix: 'ivt_', where: [['missing', 'usedAt']] }),
      ),
    ),

  /** Revokes an invitation. False when there is none. */
  revoke: (projectId: ProjectId, id: string): Promise<boolean> =>
    table.remove(keys.resource(projectId, id), [['exists', 'pk']]),

  /** Revokes invitations into a project by their maker (`createdBy`) or by their address (`email`). */
  revokeThose: async (
    projectId: ProjectId,
    [attribute, value]: readonly ['createdBy' | 'email', string],
  ): Promise<void> => {
    const where: Condition[] = [['=', attribute, value]];
    const found = await queryAll(table, { pk: projectId, prefix: 'ivt_', where });
    for (const { sk } of found) await table.remove(keys.resource(projectId, String(sk)));
  },

  /** Reads the invitation of a token without using it; undefined when it is unknown, expired or used. */
  read: async (token: string): Promise<Invitation | undefined> => {
    const parts = splitInvitationToken(token);
    const item = parts && (await table.get(keys.resource(parts.projectId, parts.id)));
    if (!item || item.usedAt !== undefined || !matchesHash(parts.secret, String(item.hash))) return undefined;
    const found = recordsOf(table, invitation).read(item);
    return found.validUntil > now() && (await isMakerValid(table, item)) ? found : undefined;
  },

  /** Uses an invitation, by one conditional write. */
  take: async ({ projectId, id }: Invitation): Promise<boolean> => {
    const taken = await table.update(keys.resource(projectId, id), { set: { usedAt: now() } }, [
      ['exists', 'pk'],
      ['missing', 'usedAt'],
      ['>', 'validUntil', now()],
    ]);
    return taken !== undefined;
  },
});
