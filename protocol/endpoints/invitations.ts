/** Endpoints of invitations. */
import { acceptance, invitation, invitationInput, newInvitation, user } from '../person.ts';
import { answer, created, endpoint, jsonBody, listOf, noContent } from './endpoint.ts';
import { inInvitation, inProject } from './params.ts';

export const listInvitations = endpoint({
  operationId: 'listInvitations',
  method: 'get',
  path: '/api/projects/{projectId}/invitations',
  access: 'owner',
  tag: 'Members',
  summary: 'List the pending invitations',
  request: { params: inProject },
  responses: { 200: answer('The invitations, oldest first', listOf(invitation)) },
});

export const createInvitation = endpoint({
  operationId: 'createInvitation',
  method: 'post',
  path: '/api/projects/{projectId}/invitations',
  access: 'owner',
  tag: 'Members',
  summary: 'Invite a person into a project',
  description: 'The token works once and is shown only once: send it to the person yourself.',
  request: { params: inProject, body: jsonBody(invitationInput) },
  responses: { 201: created('The invitation with its token', newInvitation) },
});

export const revokeInvitation = endpoint({
  operationId: 'revokeInvitation',
  method: 'delete',
  path: '/api/projects/{projectId}/invitations/{invitationId}',
  access: 'owner',
  tag: 'Members',
  summary: 'Revoke an invitation',
  request: { params: inInvitation },
  responses: { 204: noContent('Its token no longer works') },
});

export const acceptInvitation = endpoint({
  operationId: 'acceptInvitation',
  method: 'post',
  path: '/api/invitations/accept',
  access: 'anybody',
  tag: 'People',
  summary: 'Accept an invitation',
  description:
    'A new person chooses a name and a password and is signed in. A known person is signed in already, or sends the password.',
  request: { body: jsonBody(acceptance) },
  responses: { 200: answer('The new member', user) },
  problems: ['invitation_refused', 'wrong_login', 'too_many_attempts', 'csrf_refused'],
});
