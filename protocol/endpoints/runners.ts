/** Endpoints of runners: the same ones for a project's runners and for the global ones. */
import * as z from 'zod';
import { timeline, timelineQuery } from '../insight.ts';
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
import { type Access, answer, created, endpoint, jsonBody, listOf, noContent, type Tag } from './endpoint.ts';
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
  const changed = { 200: answer('The runner as it is now', runner) };
  return {
    list: endpoint({
      operationId: `list${name}s`,
      method: 'get',
      path,
      access: reader,
      tag,
      summary: `List ${whose} runners`,
      request: { ...request, query: runnerQuery },
      responses: { 200: answer('The runners, oldest first', listOf(listedRunner)) },
    }),
    create: endpoint({
      operationId: `create${name}`,
      method: 'post',
      path,
      access: writer,
      tag,
      summary: 'Create a runner, with a token and a private key that are shown only now',
      description:
        "The answer, saved as it is, is the agent's config file. With `fleet`, one runner or several whose instances the fleet launches when there is work: these have no secrets to show.",
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
      summary: 'Replace what is set of a runner',
      description: 'Its token and keys stay. It is bound to another instance only while it sleeps.',
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
      summary: 'Remove a runner that is asleep',
      request: itemRequest,
      responses: { 204: noContent('It is removed; its token is good for nothing') },
      problems: ['in_use'],
    }),
    drain: endpoint({
      operationId: `drain${name}`,
      method: 'post',
      path: `${itemPath}/drain`,
      access: writer,
      tag,
      summary: 'Have a runner take no task any more',
      description:
        'What it holds finishes there or is handed back, as each template says (`onDrain`). It lasts until the runner is resumed or its agent starts again; to keep it out for good, make it inactive.',
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
      description: 'It is woken again by the next task. To keep it from tasks, drain it or make it inactive.',
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
        'It stays on for its idle timeout once its agent is online. One that is up already stays as it is; one that stops is started again when it has stopped.',
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
      summary: 'Have a runner that was asked to drain take tasks again',
      request: itemRequest,
      responses: changed,
    }),
    rotateToken: endpoint({
      operationId: `rotate${name}Token`,
      method: 'post',
      path: `${itemPath}/rotate-token`,
      access: writer,
      tag,
      summary: 'Give a runner another token',
      description:
        'Without a grace, what holds the token before is shut out within a minute: it can neither claim nor renew a lease. Its private key stays; who has that too is shut out all the same.',
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
      summary: 'What a runner did: asleep, waking, busy, idle',
      request: { ...itemRequest, query: timelineQuery },
      responses: { 200: answer('The timeline', timeline) },
    }),
    listRegistrationTokens: endpoint({
      operationId: `list${prefix}RegistrationTokens`,
      method: 'get',
      path: `${root}/registration-tokens`,
      access: writer,
      tag,
      summary: 'List the registration tokens that are still good',
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
      description: 'It is shown only now.',
      request: { ...request, body: jsonBody(registrationTokenInput) },
      responses: { 201: created('The token', registrationToken) },
    }),
    revokeRegistrationToken: endpoint({
      operationId: `revoke${prefix}RegistrationToken`,
      method: 'delete',
      path: `${root}/registration-tokens/{registrationTokenId}`,
      access: writer,
      tag,
      summary: 'Revoke a registration token; runners that registered with it stay',
      request: { params: place.tokenParams },
      responses: { 204: noContent('It is good for nothing') },
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
