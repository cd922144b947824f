/** Projects: apart from the other queries, since every page loads this one first. */
import { listProjects } from '../../protocol/endpoints/projects.ts';
import { list } from './list.ts';
import { reading } from './request.ts';

export const projectsQuery = list(reading(listProjects, {}));
