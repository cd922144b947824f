/**
 * The lists of a project as a client reads them that offers a choice: names alone. No operations of their
 * own, so the table of endpoints does not have them.
 */
import * as z from 'zod';
import { page } from '../common.ts';
import { projectId } from '../ids.ts';
import { answer, endpoint } from './endpoint.ts';
import { inProject, listPath } from './params.ts';

/** One of the choices: a resource, or a runner with its tags. */
export const choice = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string().optional(),
  tags: z.array(z.string()).optional(),
});
export type Choice = z.infer<typeof choice>;

/** Returns the endpoints of a kind, such as "templates". */
export const choiceEndpoints = /* @__NO_SIDE_EFFECTS__ */ (many: string) => ({
  list: endpoint({
    operationId: `list ${many} to choose from`,
    method: 'get',
    path: listPath(many),
    access: 'guest',
    tag: 'Projects',
    summary: `List the ${many} of a project`,
    request: { params: inProject },
    responses: { 200: answer('A page of choices', page(choice)) },
  }),
  get: endpoint({
    operationId: `get one of ${many}`,
    method: 'get',
    path: `${listPath(many)}/{id}`,
    access: 'guest',
    tag: 'Projects',
    summary: `Get one of the ${many}`,
    request: { params: z.object({ projectId, id: z.string() }) },
    responses: { 200: answer('The choice', choice) },
  }),
});
