/** The endpoint table: every operation of the API. */
import * as agent from './agent.ts';
import * as costs from './costs.ts';
import * as dashboard from './dashboard.ts';
import type { Endpoint } from './endpoint.ts';
import * as fleets from './fleets.ts';
import * as integrations from './integrations.ts';
import * as people from './people.ts';
import * as projects from './projects.ts';
import * as resources from './resources.ts';
import * as runners from './runners.ts';
import * as schedules from './schedules.ts';
import * as service from './service.ts';
import * as tasks from './tasks.ts';
import * as webhooks from './webhooks.ts';

const isEndpoint = (one: unknown): one is Endpoint =>
  typeof one === 'object' && one !== null && 'operationId' in one;

/** Returns the endpoints of a module: exported one by one, or as the group of a resource. */
const endpointsIn = (module: object): Endpoint[] =>
  Object.values(module).flatMap((one: unknown) => {
    if (isEndpoint(one)) return [one];
    return typeof one === 'object' && one !== null ? Object.values(one).filter(isEndpoint) : [];
  });

export const endpoints: readonly Endpoint[] = [
  ...[service, people, projects, resources, integrations, schedules, fleets, runners],
  ...[tasks, dashboard, webhooks, costs, agent],
].flatMap(endpointsIn);
