/** Routes of the key store. */
import * as endpoints from '../../../protocol/endpoints/resources.ts';
import type { KeySecret } from '../../../protocol/index.ts';
import { filledKey } from '../../core/resources/kept-secrets.ts';
import { readSshKey } from '../../core/secrets/ssh-key.ts';
import type { FieldErrors } from '../../problems.ts';
import type { ApiDeps } from '../deps.ts';
import { crudRoutes } from './crud.ts';
import { knownHostsFaults } from './known-hosts-faults.ts';
import { describeUse, usersOfKey, usersThatNeedAnotherType } from './references.ts';

type SshSecret = Extract<KeySecret, { type: 'ssh' }>;

const sshFaults = (secret: SshSecret, kept: KeySecret | undefined): FieldErrors => {
  const { privateKey, passphrase, knownHosts } = secret;
  const before = kept?.type === 'ssh' ? kept : undefined;
  const isKept = privateKey === before?.privateKey && passphrase === before.passphrase;
  const read = isKept ? undefined : readSshKey(privateKey, passphrase);
  return [
    ...(read?.ok === false ? [{ path: `secret.${read.field}`, message: read.message }] : []),
    ...knownHostsFaults('secret.knownHosts', knownHosts, before?.knownHosts),
  ];
};

export const keyRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    endpoints: endpoints.keys,
    fill: async (projectId, id, body) =>
      filledKey(body, (await deps.resources.keys.secretOf(projectId, id)) ?? { type: 'none' }),
    store: deps.resources.keys,
    findFaults: async (projectId, { secret }, { before }) => {
      if (before && before.type !== secret.type) {
        const users = await usersThatNeedAnotherType(deps, projectId, before.id, secret.type);
        const message = `must stay a type that its users can use. ${describeUse('key', users)}`;
        if (users.length > 0) return [{ path: 'secret.type', message }];
      }
      if (secret.type !== 'ssh') return [];
      return sshFaults(secret, before && (await deps.resources.keys.secretOf(projectId, before.id)));
    },
    findUsers: (projectId, id) => usersOfKey(deps, projectId, id),
  });
