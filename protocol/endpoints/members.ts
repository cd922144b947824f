/** Endpoints of the people of the stack, and of the members of a project. */
import { member, memberInput, user, userChange } from '../person.ts';
import { answer, endpoint, jsonBody, listOf, noContent } from './endpoint.ts';
import { inMember, inProject, inUser } from './params.ts';

const revokes =
  'API tokens, invitations and registration tokens that the person or their token created, and may no longer create, are revoked.';

export const listUsers = endpoint({
  operationId: 'listUsers',
  method: 'get',
  path: '/api/users',
  access: 'admin',
  tag: 'Members',
  summary: 'List the people of the stack',
  responses: { 200: answer('The people, oldest first', listOf(user)) },
});

export const replaceUser = endpoint({
  operationId: 'replaceUser',
  method: 'put',
  path: '/api/users/{userId}',
  access: 'admin',
  tag: 'Members',
  summary: 'Give or remove admin rights',
  description: revokes,
  request: { params: inUser, body: jsonBody(userChange) },
  responses: { 200: answer('The person after the change', user) },
  problems: ['in_use'],
});

export const removeUser = endpoint({
  operationId: 'removeUser',
  method: 'delete',
  path: '/api/users/{userId}',
  access: 'admin',
  tag: 'Members',
  summary: 'Remove a person with their sign-ins and roles',
  description: `${revokes} So are pending invitations of their address.`,
  request: { params: inUser },
  responses: { 204: noContent('The person is removed') },
  problems: ['in_use'],
});

export const listMembers = endpoint({
  operationId: 'listMembers',
  method: 'get',
  path: '/api/projects/{projectId}/members',
  access: 'guest',
  tag: 'Members',
  summary: 'List the members of a project',
  request: { params: inProject },
  responses: { 200: answer('The members', listOf(member)) },
});

export const replaceMember = endpoint({
  operationId: 'replaceMember',
  method: 'put',
  path: '/api/projects/{projectId}/members/{userId}',
  access: 'owner',
  tag: 'Members',
  summary: 'Change the role of a member',
  description: `${revokes} So are pending invitations of their address into the project. To add a person, invite them.`,
  request: { params: inMember, body: jsonBody(memberInput) },
  responses: { 200: answer('The member', member) },
});

export const removeMember = endpoint({
  operationId: 'removeMember',
  method: 'delete',
  path: '/api/projects/{projectId}/members/{userId}',
  access: 'owner',
  tag: 'Members',
  summary: 'Remove a member',
  description: `${revokes} So are pending invitations of their address into the project.`,
  request: { params: inMember },
  responses: { 204: noContent('The person is no longer a member') },
});
