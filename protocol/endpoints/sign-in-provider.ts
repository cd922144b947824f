/** Endpoints of the sign-in provider. */
import * as z from 'zod';
import { returnTo, signInProvider, signInProviderInput } from '../sign-in-provider.ts';
import { answer, endpoint, jsonBody, noContent, redirect } from './endpoint.ts';

export const startProviderSignIn = endpoint({
  operationId: 'startProviderSignIn',
  method: 'get',
  path: '/api/sign-in-provider/start',
  access: 'anybody',
  tag: 'People',
  summary: 'Go to the sign-in provider; for a browser to open',
  request: { query: z.object({ returnTo }) },
  responses: { 302: redirect('To the provider') },
  problems: ['not_found', 'unavailable'],
});

export const finishProviderSignIn = endpoint({
  operationId: 'finishProviderSignIn',
  method: 'get',
  path: '/api/sign-in-provider/callback',
  access: 'anybody',
  tag: 'People',
  summary: 'Where the sign-in provider sends the browser back to',
  request: { query: z.object({ state: z.string().optional(), code: z.string().optional() }) },
  responses: { 302: redirect('To where the sign-in began, signed in') },
  problems: ['wrong_login', 'too_many_attempts'],
});

export const getSignInProvider = endpoint({
  operationId: 'getSignInProvider',
  method: 'get',
  path: '/api/sign-in-provider',
  access: 'admin',
  tag: 'People',
  summary: 'Get the provider by which people may sign in',
  responses: { 200: answer('The provider, without its secret', signInProvider) },
  problems: ['not_found'],
});

export const replaceSignInProvider = endpoint({
  operationId: 'replaceSignInProvider',
  method: 'put',
  path: '/api/sign-in-provider',
  access: 'admin',
  tag: 'People',
  summary: 'Set the OpenID Connect provider by which people may sign in',
  description: 'The client secret stays when it is not sent for the same issuer and client.',
  request: { body: jsonBody(signInProviderInput) },
  responses: { 200: answer('The provider, without its secret', signInProvider) },
  problems: ['changed_meanwhile'],
});

export const removeSignInProvider = endpoint({
  operationId: 'removeSignInProvider',
  method: 'delete',
  path: '/api/sign-in-provider',
  access: 'admin',
  tag: 'People',
  summary: 'Have nobody sign in by the provider any more; who has signed in stays so until that ends',
  responses: { 204: noContent('It is removed') },
  problems: ['not_found'],
});
