/** Endpoints of sign-in: the first set-up, signing in and out, and who one is. */
import { loginInput, me, setupInput, setupState, user } from '../person.ts';
import { answer, created, endpoint, jsonBody, noContent } from './endpoint.ts';

export const getSetupState = endpoint({
  operationId: 'getSetupState',
  method: 'get',
  path: '/api/setup',
  access: 'anybody',
  tag: 'People',
  summary: 'Whether somebody can sign in yet',
  responses: { 200: answer('The state', setupState) },
});

export const setUp = endpoint({
  operationId: 'setUp',
  method: 'post',
  path: '/api/setup',
  access: 'admin',
  tag: 'People',
  summary: 'Make the first person, an admin, with the first token of the stack',
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
    'After 10 wrong passwords within a quarter of an hour the account is locked until the quarter is over.',
  request: { body: jsonBody(loginInput) },
  responses: { 200: answer('Who signed in', user) },
  problems: ['wrong_login', 'totp_required', 'too_many_attempts', 'csrf_refused'],
});

export const logout = endpoint({
  operationId: 'logout',
  method: 'post',
  path: '/api/logout',
  access: 'person',
  tag: 'People',
  summary: 'Sign out; the cookie is good for nothing from then on',
  responses: { 204: noContent('Signed out') },
});

export const getMe = endpoint({
  operationId: 'getMe',
  method: 'get',
  path: '/api/me',
  access: 'person',
  tag: 'People',
  summary: 'Who one is, and what one may do where',
  responses: { 200: answer('Oneself', me) },
});
