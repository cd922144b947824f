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
  summary: 'Redirect a browser to the sign-in provider',
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
  summary: 'Receive a browser back from the sign-in provider',
  request: { query: z.object({ state: z.string().optional(), code: z.string().optional() }) },
  responses: { 302: redirect('To the page where the sign-in began, signed in') },
  problems: ['wrong_login', 'too_many_attempts'],
});

export const getSignInProvider = endpoint({
  operationId: 'getSignInProvider',
  method: 'get',
  path: '/api/sign-in-provider',
  access: 'admin',
  tag: 'People',
  summary: 'Get the sign-in provider',
  responses: { 200: answer('The provider, without its secret', signInProvider) },
  problems: ['not_found'],
});

export const replaceSignInProvider = endpoint({
  operationId: 'replaceSignInProvider',
  method: 'put',
  path: '/api/sign-in-provider',
  access: 'admin',
  tag: 'People',
  summary: 'Set the OpenID Connect sign-in provider',
  description: 'For the same issuer and client, a client secret that is not sent stays.',
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
  summary: 'Remove the sign-in provider; current sign-ins last until they end',
  responses: { 204: noContent('It is removed') },
  problems: ['not_found'],
});
