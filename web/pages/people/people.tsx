/** All users and the tokens with all permissions, for admins. */
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { removeUser, replaceUser } from '../../../protocol/endpoints/members.ts';
import type { User } from '../../../protocol/index.ts';
import { usersQuery } from '../../data/queries.ts';
import { call, send } from '../../data/request.ts';
import { useMe } from '../../data/session.ts';
import { Confirm } from '../../ui/dialog.tsx';
import { ActionMenu } from '../../ui/menu.tsx';
import { Page } from '../../ui/page.tsx';
import { Table } from '../../ui/table/table.tsx';
import { Ago } from '../../ui/time.tsx';
import { ApiTokens } from '../account/api-tokens.tsx';
import { Person } from '../members/person.tsx';

export const PeoplePage = (): ReactNode => {
  const client = useQueryClient();
  const who = useMe();
  const { data: users } = useSuspenseQuery(usersQuery);
  const [asked, ask] = useState<{ readonly what: 'admin' | 'remove'; readonly user: User }>();
  const close = () => ask(undefined);
  const refresh = () => client.invalidateQueries({ queryKey: usersQuery.queryKey });
  return (
    <Page title="People" lead="All users. The owner of a project invites new people to it.">
      <Table
        label="People"
        items={users}
        keyOf={({ id }) => id}
        columns={[
          { header: 'Name', render: Person },
          { header: 'Admin', render: ({ isAdmin }) => (isAdmin ? 'Yes' : 'No') },
          { header: 'Authenticator', from: 'tablet', render: ({ hasTotp }) => (hasTotp ? 'Set up' : 'None') },
          { header: 'Joined', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
          {
            header: 'Actions',
            isHeaderHidden: true,
            align: 'right',
            render: (user) =>
              user.id !== who.id && (
                <ActionMenu
                  label={`Actions for ${user.name}`}
                  acts={[
                    {
                      label: user.isAdmin ? 'Remove admin rights' : 'Make an admin',
                      onAct: () => ask({ what: 'admin', user }),
                    },
                    { label: 'Remove', onAct: () => ask({ what: 'remove', user }), isDangerous: true },
                  ]}
                />
              ),
          },
        ]}
      />
      <ApiTokens projectId={undefined} />
      {asked?.what === 'admin' && (
        <Confirm
          title={
            asked.user.isAdmin
              ? `Remove admin rights of ${asked.user.name}?`
              : `Make ${asked.user.name} an admin?`
          }
          action={asked.user.isAdmin ? 'Remove admin rights' : 'Make an admin'}
          isDangerous={false}
          onConfirm={async () => {
            await send(replaceUser, {
              params: { userId: asked.user.id },
              body: { isAdmin: !asked.user.isAdmin },
            });
            await refresh();
          }}
          onClose={close}
        >
          {asked.user.isAdmin
            ? 'They keep their roles in projects. The API tokens, invitations and registration tokens that only an admin may make are revoked.'
            : 'An admin has all permissions in every project.'}
        </Confirm>
      )}
      {asked?.what === 'remove' && (
        <Confirm
          title={`Remove ${asked.user.name}?`}
          action="Remove person"
          onConfirm={async () => {
            await call(removeUser, { params: { userId: asked.user.id } });
            await refresh();
          }}
          onClose={close}
        >
          They can no longer sign in. The API tokens, invitations and registration tokens that they created
          are revoked.
        </Confirm>
      )}
    </Page>
  );
};
