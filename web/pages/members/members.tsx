/** Access to a project: members, invitations, API tokens. */
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { createInvitation, revokeInvitation } from '../../../protocol/endpoints/invitations.ts';
import { removeMember, replaceMember } from '../../../protocol/endpoints/members.ts';
import { type Member, type Role, roles } from '../../../protocol/index.ts';
import { invitationsQuery, membersQuery } from '../../data/queries.ts';
import { call, send } from '../../data/request.ts';
import { useMay, useMe } from '../../data/session.ts';
import { EmailField, RoleField } from '../../shared/common-fields.tsx';
import { SecretOnce } from '../../shared/secret-once.tsx';
import { useAct } from '../../ui/act.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { Empty } from '../../ui/empty.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { ActionMenu } from '../../ui/menu.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Table } from '../../ui/table/table.tsx';
import { Moment } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';
import { ApiTokens } from '../account/api-tokens.tsx';
import { Person } from './person.tsx';
import { roleNames } from './roles.ts';

const shortRole = (role: Role): string => roleNames[role].replace(/:.*/, '');

export const MembersPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/members' });
  const client = useQueryClient();
  const who = useMe();
  const isOwner = useMay(projectId, 'owner');
  const { data: members } = useSuspenseQuery(membersQuery(projectId));
  const [isInviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<Member>();
  const refresh = () => client.invalidateQueries({ queryKey: membersQuery(projectId).queryKey });
  const changeRole = useAct(async ({ userId, name, role }: Member) => {
    await send(replaceMember, { params: { projectId, userId }, body: { role } });
    say(`${name} is now ${shortRole(role).toLowerCase()}.`);
  }, refresh);
  const invite = isOwner && (
    <Button look="primary" icon="plus" onPress={() => setInviting(true)}>
      Invite member
    </Button>
  );
  return (
    <Page
      title="Members"
      lead="Roles in this project. Admins of the stack have all permissions."
      actions={invite}
    >
      {members.length === 0 ? (
        <Empty icon="members" title="No member yet">
          Only admins see this project. Invite the people who work on it.
        </Empty>
      ) : (
        <Table
          label="Members"
          items={members}
          keyOf={({ userId }) => userId}
          columns={[
            { header: 'Name', render: Person },
            {
              header: 'Role',
              render: (member) =>
                isOwner && member.userId !== who.id ? (
                  <select
                    aria-label={`Role of ${member.name}`}
                    value={member.role}
                    onChange={({ target }) => changeRole({ ...member, role: target.value as Role })}
                  >
                    {roles.map((role) => (
                      <option key={role} value={role}>
                        {shortRole(role)}
                      </option>
                    ))}
                  </select>
                ) : (
                  shortRole(member.role)
                ),
            },
            {
              header: 'Actions',
              isHeaderHidden: true,
              align: 'right',
              render: (member) =>
                isOwner && (
                  <ActionMenu
                    label={`Actions for ${member.name}`}
                    acts={[{ label: 'Remove', onAct: () => setLeaving(member), isDangerous: true }]}
                  />
                ),
            },
          ]}
        />
      )}
      {isOwner && <Invitations projectId={projectId} />}
      {isOwner && <ApiTokens projectId={projectId} />}
      {isInviting && <Invite projectId={projectId} onClose={() => setInviting(false)} />}
      {leaving && (
        <Confirm
          title={`Remove ${leaving.name}?`}
          action="Remove member"
          onConfirm={async () => {
            await call(removeMember, { params: { projectId, userId: leaving.userId } });
            await refresh();
          }}
          onClose={() => setLeaving(undefined)}
        >
          They lose access to this project. The API tokens, invitations and registration tokens that they
          created here are revoked.
        </Confirm>
      )}
    </Page>
  );
};

const Invitations = ({ projectId }: { readonly projectId: string }): ReactNode => {
  const client = useQueryClient();
  const { data: invitations } = useSuspenseQuery(invitationsQuery(projectId));
  const revoke = useAct(
    (invitationId: string) => call(revokeInvitation, { params: { projectId, invitationId } }),
    () => client.invalidateQueries({ queryKey: invitationsQuery(projectId).queryKey }),
  );
  if (invitations.length === 0) return null;
  return (
    <Card title="Pending invitations">
      <ul className="rows">
        {invitations.map(({ id, email, role, validUntil }) => (
          <li key={id}>
            <span>
              {email} <span className="quiet-text">as {shortRole(role).toLowerCase()}</span>
            </span>
            <Button small aria-label={`Revoke the invitation of ${email}`} onPress={() => revoke(id)}>
              Revoke
            </Button>
            <span className="wide quiet-text small-text">
              expires <Moment at={validUntil} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
};

const Invite = ({
  projectId,
  onClose,
}: {
  readonly projectId: string;
  readonly onClose: () => void;
}): ReactNode => {
  const client = useQueryClient();
  const [link, setLink] = useState<string>();
  const form = useForm({ email: '', role: 'task_runner' as Role }, async (body) => {
    const made = await call(createInvitation, { params: { projectId }, body });
    setLink(`${location.origin}/invitation#${made.token}`);
    await client.invalidateQueries({ queryKey: invitationsQuery(projectId).queryKey });
  });
  const { value, field } = form;
  if (link !== undefined) {
    return (
      <SecretOnce title="Send this link" label="Link" secret={link} onClose={onClose}>
        It is shown only once and works once, for anyone who has it. Send it to {value.email} only.
      </SecretOnce>
    );
  }
  return (
    <Dialog title="Invite member" onClose={onClose}>
      <FormFrame form={form} action="Create link">
        <EmailField isOwn={false} {...field('email')} />
        <RoleField {...field('role')} />
      </FormFrame>
    </Dialog>
  );
};
