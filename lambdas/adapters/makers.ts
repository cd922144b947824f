/**
 * Makers of API tokens, invitations and registration tokens. Each of these carries the version of its maker's
 * credentials. Raising that version, by one write on the person, revokes all of them at once.
 */
import * as z from 'zod';
import { keys, type Table } from './table.ts';

export interface Maker {
  /** `usr_…`, or `first-token` when an operator made it. */
  readonly id: string;
  readonly credentialsVersion: number;
}

/** Maker of tokens that an operator of the AWS account has made. */
export const firstToken: Maker = { id: 'first-token', credentialsVersion: 0 };

/** Maker as stored with a token. Items of 0.1.0 have no version, which means the first one. */
export const storedMaker = z.object({
  createdBy: z.string().default(firstToken.id),
  makerVersion: z.int().default(0),
});
export const toStore = ({ id, credentialsVersion }: Maker): z.infer<typeof storedMaker> => ({
  createdBy: id,
  makerVersion: credentialsVersion,
});

const version = z.object({ credentialsVersion: z.int().default(0) });

/**
 * True when the maker exists and has the same version of credentials. Costs one read. An unreadable item is
 * not valid.
 */
export const isMakerValid = async (table: Pick<Table, 'get'>, item: unknown): Promise<boolean> => {
  const maker = storedMaker.safeParse(item).data;
  if (!maker) return false;
  if (!maker.createdBy.startsWith('usr_')) return true;
  const person = version.safeParse(await table.get(keys.user(maker.createdBy))).data;
  return person?.credentialsVersion === maker.makerVersion;
};
