/** Endpoints of sign-in: the first set-up, signing in and out, and who one is. */
import { loginInput, me, setupInput, setupState, user } from '../person.ts';
import { answer, created, endpoint, jsonBody, noContent } from './endpoint.ts';

export const getSetupState = endpoint({
  operationId: 'getSetupState',
  method: 'get',
  path: '/api/setup',
  access: 'anybody',
  tag: 'People',
  summary: 'Tell whether the stack has its first user',
  responses: { 200: answer('The state', setupState) },
});

export const setUp = endpoint({
  operationId: 'setUp',
  method: 'post',
  path: '/api/setup',
  access: 'admin',
  tag: 'People',
  summary: 'Create the first person, an admin, with the first token of the stack',
  request: { body: jsonBody(setupInput) },
  responses: { 201: created('The person, signed in', user) },
  problems: ['already_set_up'],
});

export const login = endpoint({
  operationId: 'login',
  method: 'post',
  path: '/api/login',
  access: 'anybody',
  tag: 'People',
  summary: 'Sign in; the answer sets a cookie',
  description:
    'After 10 wrong passwords in 15 minutes, the account is locked until these 15 minutes are over.',
  request: { body: jsonBody(loginInput) },
  responses: { 200: answer('The person who signed in', user) },
  problems: ['wrong_login', 'totp_required', 'too_many_attempts', 'csrf_refused'],
});

export const logout = endpoint({
  operationId: 'logout',
  method: 'post',
  path: '/api/logout',
  access: 'person',
  tag: 'People',
  summary: 'Sign out; the cookie stops working',
  responses: { 204: noContent('Signed out') },
});

export const getMe = endpoint({
  operationId: 'getMe',
  method: 'get',
  path: '/api/me',
  access: 'person',
  tag: 'People',
  summary: 'Get the caller and their roles',
  responses: { 200: answer('The caller', me) },
});
