/** Whose an instance may be, as far as its tag and who named it say. */
import type { Runner } from '../../../protocol/index.ts';

/** Codes of `startFailure`. */
export type NotTheirs = 'instance_of_another_project' | 'instance_not_confirmed';

/** Who named the instance of a runner, when it was not somebody who may configure the runner. */
export type NamedBy = 'machine';

export interface OwnedFacts {
  /** What its tag `reveille:project` says: a project's id, or `global`. Undefined: any project may have it. */
  readonly owner?: string | undefined;
}

/**
 * Why the runner may not have that instance; undefined when it may. A machine that registers itself can name whatever instance it
 * likes, so there it takes the tag, which only an operator of the account can set, or somebody who saves the runner.
 */
export const whyNotTheirs = (
  runner: Pick<Runner, 'projectId' | 'fleet'> & { readonly instanceNamedBy?: NamedBy | undefined },
  { owner }: OwnedFacts,
): NotTheirs | undefined => {
  if (runner.fleet !== undefined) return undefined;
  if (owner === undefined) return runner.instanceNamedBy === undefined ? undefined : 'instance_not_confirmed';
  return owner === (runner.projectId ?? 'global') ? undefined : 'instance_of_another_project';
};
