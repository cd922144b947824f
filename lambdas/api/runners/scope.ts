/** Scope of runners: a project, or global. The same routes exist for both. */
import type * as z from 'zod';
import { projectId } from '../../../protocol/index.ts';
import type { Pool } from '../../adapters/table.ts';
import { inGlobalRunner, inNothing, inProject, inRunner } from '../schemas.ts';

export interface RunnerPlace {
  readonly path: string;
  readonly tag: string;
  /** Prefix such as "ProjectRunner" for operation ids. */
  readonly name: string;
  readonly whose: string;
  readonly params: z.ZodObject;
  readonly itemParams: z.ZodObject;
}

/** Returns the pool that a path is about. Its parameters are validated before. */
export const poolIn = (params: Readonly<Record<string, string>>): Pool =>
  params.projectId === undefined ? 'global' : projectId.parse(params.projectId);

export const inProjects: RunnerPlace = {
  path: '/api/projects/{projectId}/runners',
  tag: 'Runners',
  name: 'ProjectRunner',
  whose: "a project's",
  params: inProject,
  itemParams: inRunner,
};

export const inGlobalPool: RunnerPlace = {
  path: '/api/runners',
  tag: 'Global runners',
  name: 'GlobalRunner',
  whose: 'the global',
  params: inNothing,
  itemParams: inGlobalRunner,
};
