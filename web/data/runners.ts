/** Runners of a project, or the global ones. */
import { globalRunners, projectRunners } from '../../protocol/endpoints/runners.ts';

type Params = Readonly<Record<string, string>>;

/**
 * Returns the endpoints of a project's runners, with the parameters that choose the project; without a
 * project, the endpoints of the global runners.
 */
export const runnersIn = (projectId: string | undefined) => {
  const params: Params = projectId === undefined ? {} : { projectId };
  return { endpoints: projectId === undefined ? globalRunners : projectRunners, params };
};
