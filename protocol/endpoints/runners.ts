/** Endpoints of runners: the same ones for a project's runners and for the global ones. */
import * as z from 'zod';
import { page } from '../common.ts';
import { timeline, timelineQuery } from '../dashboard.ts';
import {
  createdFleetRunners,
  createdRunner,
  listedRunner,
  newRunnerInput,
  registrationToken,
  registrationTokenInput,
  registrationTokenRecord,
  rotatedToken,
  rotationInput,
  runner,
  runnerInput,
  runnerQuery,
} from '../runner.ts';
import {
  type Access,
  answer,
  created,
  endpoint,
  inPages,
  jsonBody,
  listOf,
  noContent,
  type Tag,
} from './endpoint.ts';
import {
  inGlobalRegistrationToken,
  inGlobalRunner,
  inNothing,
  inProject,
  inRegistrationToken,
  inRunner,
} from './params.ts';

/** Where runners are. */
interface Place {
  /** Path of the project or the stack. */
  readonly path: string;
  /** "Project" or "Global", for operation ids. */
  readonly name: string;
  readonly whose: string;
  readonly tag: Tag;
  readonly reader: Access;
  readonly writer: Access;
  readonly params: z.ZodObject;
  readonly itemParams: z.ZodObject;
  readonly tokenParams: z.ZodObject;
}

const runnerEndpoints = /* @__NO_SIDE_EFFECTS__ */ ({
  path: root,
  name: prefix,
  whose,
  tag,
  reader,
  writer,
  ...place
}: Place) => {
  const path = `${root}/runners`;
  const itemPath = `${path}/{runnerId}`;
  const name = `${prefix}Runner`;
  const request = { params: place.params };
  const itemRequest = { params: place.itemParams };
  const changed = { 200: answer('The runner after the change', runner) };
  return {
    list: endpoint({
      operationId: `list${name}s`,
      method: 'get',
      path,
      access: reader,
      tag,
      summary: `List ${whose} runners`,
      description: inPages,
      request: { ...request, query: runnerQuery },
      responses: { 200: answer('A page of runners, oldest first', page(listedRunner)) },
    }),
    create: endpoint({
      operationId: `create${name}`,
      method: 'post',
      path,
      access: writer,
      tag,
      summary: 'Create a runner, with a token and a private key that are shown only once',
      description:
        "The answer is the agent's config file: save it unchanged. With `fleet`, one or several runners whose instances the fleet launches when there is work; their answer has no secrets.",
      request: { ...request, body: jsonBody(newRunnerInput) },
      responses: {
        201: created(
          'The new runner with its secrets, or the new runners of the fleet',
          z.union([createdRunner, createdFleetRunners]),
        ),
      },
      problems: ['instance_taken', 'fleet_full', 'invalid_reference', 'name_taken'],
    }),
    get: endpoint({
      operationId: `get${name}`,
      method: 'get',
      path: itemPath,
      access: reader,
      tag,
      summary: 'Get a runner',
      request: itemRequest,
      responses: { 200: answer('The runner', runner) },
    }),
    replace: endpoint({
      operationId: `replace${name}`,
      method: 'put',
      path: itemPath,
      access: writer,
      tag,
      summary: 'Replace the settings of a runner',
      description: 'Its token and keys stay. It can be bound to another instance only while it sleeps.',
      request: { ...itemRequest, body: jsonBody(runnerInput) },
      responses: changed,
      problems: ['instance_taken', 'name_taken', 'not_asleep'],
    }),
    remove: endpoint({
      operationId: `remove${name}`,
      method: 'delete',
      path: itemPath,
      access: writer,
      tag,
      summary: 'Remove a sleeping runner',
      request: itemRequest,
      responses: { 204: noContent('The runner is removed, and its token no longer works') },
      problems: ['in_use'],
    }),
    drain: endpoint({
      operationId: `drain${name}`,
      method: 'post',
      path: `${itemPath}/drain`,
      access: writer,
      tag,
      summary: 'Drain a runner, so that it takes no further task',
      description:
        'Its tasks finish there or are handed back, as each template says (`onDrain`). The drain lasts until the runner is resumed or its agent restarts; to keep the runner out permanently, make it inactive.',
      request: itemRequest,
      responses: changed,
      problems: ['asleep'],
    }),
    sleep: endpoint({
      operationId: `sleep${name}`,
      method: 'post',
      path: `${itemPath}/sleep`,
      access: writer,
      tag,
      summary: 'Stop the instance of an idle runner now, before its idle timeout',
      description: 'The next task wakes it again. To keep it from tasks, drain it or make it inactive.',
      request: itemRequest,
      responses: changed,
      problems: ['in_use'],
    }),
    wake: endpoint({
      operationId: `wake${name}`,
      method: 'post',
      path: `${itemPath}/wake`,
      access: writer,
      tag,
      summary: 'Start the instance of a runner without a task',
      description:
        'It stays on for its idle timeout once its agent is online. An instance that is already on does not change; one that is stopping is started again when it has stopped.',
      request: itemRequest,
      responses: changed,
      problems: ['cannot_be_woken'],
    }),
    resume: endpoint({
      operationId: `resume${name}`,
      method: 'post',
      path: `${itemPath}/resume`,
      access: writer,
      tag,
      summary: 'Resume a drained runner: it takes tasks again',
      request: itemRequest,
      responses: changed,
    }),
    rotateToken: endpoint({
      operationId: `rotate${name}Token`,
      method: 'post',
      path: `${itemPath}/rotate-token`,
      access: writer,
      tag,
      summary: 'Replace the token of a runner',
      description:
        'Without a grace period, holders of the old token are shut out within a minute: they can neither claim a task nor renew a lease. The private key stays; it does not help them.',
      request: { ...itemRequest, body: jsonBody(rotationInput) },
      responses: { 200: answer('The token', rotatedToken) },
      problems: ['try_later'],
    }),
    timeline: endpoint({
      operationId: `get${name}Timeline`,
      method: 'get',
      path: `${itemPath}/timeline`,
      access: reader,
      tag,
      summary: 'Get the times in which a runner was asleep, waking, busy and idle',
      request: { ...itemRequest, query: timelineQuery },
      responses: { 200: answer('The timeline', timeline) },
    }),
    listRegistrationTokens: endpoint({
      operationId: `list${prefix}RegistrationTokens`,
      method: 'get',
      path: `${root}/registration-tokens`,
      access: writer,
      tag,
      summary: 'List the valid registration tokens',
      request,
      responses: { 200: answer('The tokens, oldest first', listOf(registrationTokenRecord)) },
    }),
    createRegistrationToken: endpoint({
      operationId: `create${prefix}RegistrationToken`,
      method: 'post',
      path: `${root}/registration-tokens`,
      access: writer,
      tag,
      summary: 'Create a registration token',
      description: 'It is shown only once.',
      request: { ...request, body: jsonBody(registrationTokenInput) },
      responses: { 201: created('The token', registrationToken) },
    }),
    revokeRegistrationToken: endpoint({
      operationId: `revoke${prefix}RegistrationToken`,
      method: 'delete',
      path: `${root}/registration-tokens/{registrationTokenId}`,
      access: writer,
      tag,
      summary: 'Revoke a registration token; runners registered with it stay',
      request: { params: place.tokenParams },
      responses: { 204: noContent('The token no longer works') },
    }),
  };
};

export type RunnerEndpoints = ReturnType<typeof runnerEndpoints>;

export const projectRunners = runnerEndpoints({
  path: '/api/projects/{projectId}',
  name: 'Project',
  whose: "a project's",
  tag: 'Runners',
  reader: 'guest',
  writer: 'manager',
  params: inProject,
  itemParams: inRunner,
  tokenParams: inRegistrationToken,
});

/** Global runners have tasks of every project, so only an admin may see them. */
export const globalRunners = runnerEndpoints({
  path: '/api',
  name: 'Global',
  whose: 'the global',
  tag: 'Global runners',
  reader: 'admin',
  writer: 'admin',
  params: inNothing,
  itemParams: inGlobalRunner,
  tokenParams: inGlobalRegistrationToken,
});

/**
 * Returns the endpoints of a project's runners, with the parameters that choose the project; without a
 * project, the endpoints of the global runners.
 */
export const runnersIn = (projectId: string | undefined) => {
  const params: Readonly<Record<string, string>> = projectId === undefined ? {} : { projectId };
  return { endpoints: projectId === undefined ? globalRunners : projectRunners, params };
};
