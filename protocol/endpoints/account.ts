/** Endpoints of one's own account: password and authenticator. */
import { passwordChange, passwordProof, totpProof, totpSecret } from '../person.ts';
import { answer, endpoint, jsonBody, noContent } from './endpoint.ts';

export const changePassword = endpoint({
  operationId: 'changePassword',
  method: 'put',
  path: '/api/me/password',
  access: 'person',
  tag: 'People',
  summary: 'Change the password; all other sign-ins end',
  request: { body: jsonBody(passwordChange) },
  responses: { 204: noContent('The password is changed') },
  problems: ['wrong_login', 'too_many_attempts'],
});

export const offerTotp = endpoint({
  operationId: 'offerTotp',
  method: 'post',
  path: '/api/me/totp',
  access: 'person',
  tag: 'People',
  summary: 'Get a secret for an authenticator; it takes effect when a code of it is confirmed',
  request: { body: jsonBody(passwordProof) },
  responses: { 200: answer('The secret, shown only now', totpSecret) },
  problems: ['wrong_login', 'too_many_attempts'],
});

export const confirmTotp = endpoint({
  operationId: 'confirmTotp',
  method: 'put',
  path: '/api/me/totp',
  access: 'person',
  tag: 'People',
  summary: 'Confirm the authenticator with a code; each later sign-in needs one',
  request: { body: jsonBody(totpProof) },
  responses: { 204: noContent('The authenticator is set up') },
  problems: ['wrong_login', 'too_many_attempts'],
});

export const removeTotp = endpoint({
  operationId: 'removeTotp',
  method: 'post',
  path: '/api/me/totp/remove',
  access: 'person',
  tag: 'People',
  summary: 'Remove the authenticator',
  request: { body: jsonBody(passwordProof) },
  responses: { 204: noContent('It is removed') },
  problems: ['wrong_login', 'too_many_attempts'],
});
