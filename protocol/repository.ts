/** Git repository with playbooks and scripts. */
import * as z from 'zod';
import { instant, knownHosts, name } from './common.ts';
import { gitReferenceFault, gitUrlFault } from './git-arguments.ts';
import { keyId, projectId, repositoryId } from './ids.ts';
import { written } from './text.ts';
import { urlSecretFault } from './visible-secrets.ts';

/** https://, ssh://, file://, the scp form `git@host:path`, or an absolute path; never an option of git. */
const gitUrl = z
  .string()
  .max(1000)
  .regex(/^(https?:\/\/|ssh:\/\/|file:\/\/|\/|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)[^\s]+$/, {
    error: 'must be an https, ssh or file URL, git@host:path, or an absolute path',
  });

export const gitReference = z
  .string()
  .max(200)
  .regex(/^[^\s-][^\s]*$/, 'must be a branch, a tag or a commit');

export const repositoryFields = z.strictObject({
  name,
  url: gitUrl,
  branch: gitReference.default('main').describe('A branch, a tag, or the hash of a commit'),
  keyId: keyId.optional(),
  knownHosts: knownHosts.optional(),
});
export const repositoryInput = written(repositoryFields, { lines: ['name', 'branch'] })
  .superRefine(({ url, branch }, context) => {
    const faults = { url: gitUrlFault(url) ?? urlSecretFault(url), branch: gitReferenceFault(branch) };
    for (const [field, message] of Object.entries(faults)) {
      if (message !== undefined) context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .meta({ id: 'RepositoryInput' });
export type RepositoryInput = z.infer<typeof repositoryInput>;

export const repository = repositoryFields
  .strip()
  .extend({ id: repositoryId, projectId, createdAt: instant })
  .meta({ id: 'Repository' });
export type Repository = z.infer<typeof repository>;
