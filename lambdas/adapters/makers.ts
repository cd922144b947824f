/**
 * On whose behalf something is minted: API tokens, invitations, registration tokens. What a person minted carries the version of their
 * credentials, so that raising the version, by one write on the person, ends all of it at once.
 */
import * as z from 'zod';
import { keys, type Table } from './table.ts';

export interface Maker {
  /** `usr_…`, or `first-token` for what no person is behind. */
  readonly id: string;
  readonly credentialsVersion: number;
}

/** For what an operator of the AWS account has minted. */
export const firstToken: Maker = { id: 'first-token', credentialsVersion: 0 };

/** As minted things store it; those of 0.1.0 have no version, which is the first one. */
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
 * Whether the person behind it is there and has the credentials still with which it was minted. Costs one read. What cannot be read
 * is not valid.
 */
export const isMakerValid = async (table: Pick<Table, 'get'>, item: unknown): Promise<boolean> => {
  const maker = storedMaker.safeParse(item).data;
  if (!maker) return false;
  if (!maker.createdBy.startsWith('usr_')) return true;
  const person = version.safeParse(await table.get(keys.user(maker.createdBy))).data;
  return person?.credentialsVersion === maker.makerVersion;
};
