/** Endpoints of people, from a module for each subject: a page of the console loads those that it calls. */
export * from './account.ts';
export * from './api-tokens.ts';
export * from './audit.ts';
export * from './invitations.ts';
export * from './members.ts';
export * from './session.ts';
export * from './sign-in-provider.ts';
