/** Finds resources by name or id. */
import { CliError, exitCodes } from './errors.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

const most = 20;
const listed = (all: readonly Named[]): string => {
  const names = all.slice(0, most).map(({ name }) => name);
  return all.length > most ? `${names.join(', ')}, and ${all.length - most} more` : names.join(', ');
};

/**
 * Finds a resource by its id, its whole name, or its name in another case when that is unique. `kind` is its
 * word, as in "template". Throws a CliError that lists the existing names.
 */
export const pick = <T extends Named>(kind: string, all: readonly T[], wanted: string): T => {
  const byId = all.find(({ id }) => id === wanted);
  if (byId) return byId;
  const exact = all.filter(({ name }) => name === wanted);
  const found =
    exact.length > 0 ? exact : all.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  const [only, ...others] = found;
  if (only && others.length === 0) return only;
  if (only) {
    const ids = found.map(({ id }) => id).join(', ');
    throw new CliError(
      exitCodes.usage,
      `${found.length} ${kind}s are called ${wanted}: give the id of one (${ids})`,
    );
  }
  const there = all.length === 0 ? `There is no ${kind} yet` : `There are: ${listed(all)}`;
  throw new CliError(exitCodes.notFound, `There is no ${kind} "${wanted}" that you may see. ${there}.`);
};
