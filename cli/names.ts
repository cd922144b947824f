/** Finds resources by name or id. */
import { CliError, exitCodes } from './errors.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

const most = 20;
const listed = (all: readonly Named[]): string => {
  const names = all.slice(0, most).map(({ name }) => name);
  return `${names.join(', ')}${all.length > most ? ', and more' : ''}`;
};

/** Finds the only one that is meant; undefined for none. Throws a CliError when several have the name. */
const choose = <T extends Named>(kind: string, all: readonly T[], wanted: string): T | undefined => {
  const byId = all.find(({ id }) => id === wanted);
  if (byId) return byId;
  const exact = all.filter(({ name }) => name === wanted);
  const found =
    exact.length > 0 ? exact : all.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  const [only, ...others] = found;
  if (others.length === 0) return only;
  const ids = found.map(({ id }) => id).join(', ');
  throw new CliError(
    exitCodes.usage,
    `${found.length} ${kind}s are called ${wanted}: give the id of one (${ids})`,
  );
};

const notFound = (kind: string, all: readonly Named[], wanted: string): CliError => {
  const there = all.length === 0 ? `There is no ${kind} yet` : `There are: ${listed(all)}`;
  return new CliError(exitCodes.notFound, `There is no ${kind} "${wanted}" that you may see. ${there}.`);
};

/**
 * Finds a resource by its id, its whole name, or its name in another case when that is unique. `kind` is its
 * word, as in "template". Throws a CliError that lists the existing names.
 */
export const pick = <T extends Named>(kind: string, all: readonly T[], wanted: string): T => {
  const found = choose(kind, all, wanted);
  if (found) return found;
  throw notFound(kind, all, wanted);
};

/** Reads a list page by page: `search` is a part of a name or an id, `most` the number of items to read. */
export type ReadNamed<T> = (search: string | undefined, most: number) => AsyncIterable<readonly T[]>;

const collect = async <T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> => {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
};

/** Finds one as `pick` does, in a list of any length: the API searches it. */
export const find = async <T extends Named>(kind: string, wanted: string, read: ReadNamed<T>): Promise<T> => {
  const found = choose(kind, await collect(read(wanted, Number.POSITIVE_INFINITY)), wanted);
  if (found) return found;
  throw notFound(kind, await collect(read(undefined, most + 1)), wanted);
};
