/** API tokens: of a project, with a role in it, or of the stack, with all permissions. */
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type * as z from 'zod';
import type { apiToken, Role } from '../../../protocol/index.ts';
import { apiTokensIn, apiTokensQuery } from '../../data/api-tokens.ts';
import { NameField, RoleField } from '../../shared/common-fields.tsx';
import { SecretOnce } from '../../shared/secret-once.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { Select } from '../../ui/field.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Card } from '../../ui/page.tsx';
import { Table } from '../../ui/table/table.tsx';
import { Ago, Moment } from '../../ui/time.tsx';
import { roleNames } from '../members/roles.ts';

type ApiToken = z.infer<typeof apiToken>;

const dayMs = 86_400_000;
const lifetimes = [7, 30, 90, 365] as const;

export const ApiTokens = ({ projectId }: { readonly projectId: string | undefined }): ReactNode => {
  const client = useQueryClient();
  const { data: tokens } = useSuspenseQuery(apiTokensQuery(projectId));
  const [isAdding, setAdding] = useState(false);
  const [revoked, setRevoked] = useState<ApiToken>();
  const refresh = () => client.invalidateQueries({ queryKey: apiTokensQuery(projectId).queryKey });
  return (
    <Card
      title="API tokens"
      actions={
        <Button icon="plus" onPress={() => setAdding(true)}>
          New API token
        </Button>
      }
    >
      {tokens.length === 0 ? (
        <p className="quiet-text">No API tokens yet. Create one for the CLI or a script.</p>
      ) : (
        <Table
          label="API tokens"
          items={tokens}
          keyOf={({ id }) => id}
          columns={[
            { header: 'Name', render: ({ name }) => <strong>{name}</strong> },
            { header: 'Role', render: ({ role }) => (role === 'admin' ? 'Admin' : roleNames[role]) },
            { header: 'Created', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
            {
              header: 'Expires',
              from: 'tablet',
              render: ({ validUntil }) => (validUntil ? <Moment at={validUntil} /> : 'never'),
            },
            {
              header: 'Revoke',
              isHeaderHidden: true,
              align: 'right',
              render: (token) => (
                <Button small aria-label={`Revoke ${token.name}`} onPress={() => setRevoked(token)}>
                  Revoke
                </Button>
              ),
            },
          ]}
        />
      )}
      {isAdding && <NewApiToken projectId={projectId} onMade={refresh} onClose={() => setAdding(false)} />}
      {revoked && (
        <Confirm
          title={`Revoke ${revoked.name}?`}
          action="Revoke token"
          onConfirm={async () => {
            await apiTokensIn(projectId).revoke(revoked.id);
            await refresh();
          }}
          onClose={() => setRevoked(undefined)}
        >
          Programs that use it lose access within 30 seconds.
        </Confirm>
      )}
    </Card>
  );
};

interface NewApiTokenProps {
  readonly projectId: string | undefined;
  readonly onMade: () => Promise<void>;
  readonly onClose: () => void;
}

const NewApiToken = ({ projectId, onMade, onClose }: NewApiTokenProps): ReactNode => {
  const [token, setToken] = useState<string>();
  const form = useForm(
    { name: '', role: 'task_runner' as Role, days: '90' },
    async ({ name, role, days }) => {
      const made = await apiTokensIn(projectId).create({ name, expiresInMs: Number(days) * dayMs, role });
      setToken(made.token);
      await onMade();
    },
  );
  const { value, set, field } = form;
  if (token !== undefined) {
    return (
      <SecretOnce title="The new API token" label="API token" secret={token} onClose={onClose}>
        It is shown only once.
      </SecretOnce>
    );
  }
  return (
    <Dialog title="New API token" onClose={onClose}>
      <FormFrame form={form} action="Create token">
        <NameField hint="The program that uses it." {...field('name')} />
        {projectId ? (
          <RoleField {...field('role')} />
        ) : (
          <Notice kind="warn">It has all permissions in every project.</Notice>
        )}
        <Select
          label="Expires in"
          value={value.days}
          onChange={(days) => set({ days })}
          options={lifetimes.map((days) => ({ value: String(days), label: `${days} days` }))}
          isRequired
        />
      </FormFrame>
    </Dialog>
  );
};
