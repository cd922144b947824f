/** API tokens of a project, or of the stack. */
import {
  createAdminToken,
  createApiToken,
  listAdminTokens,
  listApiTokens,
  revokeAdminToken,
  revokeApiToken,
} from '../../protocol/endpoints/api-tokens.ts';
import type { Role } from '../../protocol/index.ts';
import { list } from './list.ts';
import { call, reading } from './request.ts';

interface NewToken {
  readonly name: string;
  readonly expiresInMs: number;
  /** Role in the project. A token of the stack has all permissions. */
  readonly role: Role;
}

/** Returns the calls about a project's API tokens; without a project, about those of the stack. */
export const apiTokensIn = (projectId: string | undefined) =>
  projectId === undefined
    ? {
        tokens: reading(listAdminTokens, {}),
        create: ({ role: _, ...body }: NewToken) => call(createAdminToken, { body }),
        revoke: (apiTokenId: string) => call(revokeAdminToken, { params: { apiTokenId } }),
      }
    : {
        tokens: reading(listApiTokens, { params: { projectId } }),
        create: (body: NewToken) => call(createApiToken, { params: { projectId }, body }),
        revoke: (apiTokenId: string) => call(revokeApiToken, { params: { projectId, apiTokenId } }),
      };

export const apiTokensQuery = (projectId: string | undefined) => list(apiTokensIn(projectId).tokens);
