/** Owner of an instance, by its tag and by who named it. */
import type { Runner } from '../../../protocol/index.ts';

/** Codes of `startFailure`. */
export type NotTheirs = 'instance_of_another_project' | 'instance_not_confirmed';

/** Set when the registering machine, and not an authorised user, named the instance of a runner. */
export type NamedBy = 'machine';

export interface OwnedFacts {
  /** Value of its tag `reveille:project`: a project's id, or `global`. Undefined: any project may have it. */
  readonly owner?: string;
}

/**
 * Explains why the runner may not have that instance; undefined when it may. A machine that registers itself
 * can name any instance. It therefore needs the tag, which only an operator of the account can set, or a user
 * who saves the runner.
 */
export const whyNotTheirs = (
  runner: Pick<Runner, 'projectId' | 'fleet'> & { readonly instanceNamedBy?: NamedBy },
  { owner }: OwnedFacts,
): NotTheirs | undefined => {
  if (runner.fleet !== undefined) return undefined;
  if (owner === undefined) return runner.instanceNamedBy === undefined ? undefined : 'instance_not_confirmed';
  return owner === (runner.projectId ?? 'global') ? undefined : 'instance_of_another_project';
};
