/** Integrations of a project: secret URLs on which external events start templates. */
import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { integrations, rotateIntegrationUrl } from '../../../protocol/endpoints/integrations.ts';
import type { Integration } from '../../../protocol/index.ts';
import { templateChoices } from '../../data/choices.ts';
import { call } from '../../data/request.ts';
import { useMay } from '../../data/session.ts';
import { NameOf } from '../../shared/name-of.tsx';
import { type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { SecretOnce } from '../../shared/secret-once.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Ago } from '../../ui/time.tsx';
import { BeyondBadge } from '../templates/launch-fields.tsx';
import { IntegrationEvents } from './integration-events.tsx';
import {
  emptyIntegration,
  type IntegrationDraft,
  IntegrationFields,
  integrationDraft,
  integrationInput,
  proofs,
} from './integration-form.tsx';

type Opened = { readonly what: 'url' | 'events' | 'rotate'; readonly of: Integration };

const kindWith = (
  open: (opened: Opened) => void,
  isManager: boolean,
): Kind<Integration, IntegrationDraft> => ({
  one: 'integration',
  title: 'Integrations',
  icon: 'integrations',
  lead: 'Secret URLs that start templates on external events: a push, a release, an alert.',
  purpose: 'An integration starts a template when its URL receives a matching event.',
  endpoints: integrations,
  columns: [
    {
      header: 'Name',
      render: ({ projectId, templateId }) => (
        <span className="sub">
          <NameOf choices={templateChoices(projectId)} id={templateId} />
        </span>
      ),
    },
    { header: 'Authentication', from: 'tablet', render: ({ auth }) => proofs[auth.type] },
    { header: 'Matchers', align: 'right', from: 'tablet', render: ({ matchers }) => matchers.length },
    {
      header: 'State',
      render: ({ active, beyondLaunchOptions }) => (
        <>
          {active ? <Badge tone="ok">Active</Badge> : <Badge tone="idle">Inactive</Badge>}
          <BeyondBadge options={beyondLaunchOptions} />
        </>
      ),
    },
    { header: 'Created', from: 'desktop', render: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  emptyDraft: emptyIntegration,
  draftOf: integrationDraft,
  inputOf: integrationInput,
  Fields: IntegrationFields,
  onMade: (made) => open({ what: 'url', of: made }),
  acts: (one) => [
    isManager && { label: 'Last events', onAct: () => open({ what: 'events', of: one }) },
    isManager && { label: 'New URL', onAct: () => open({ what: 'rotate', of: one }) },
  ],
  deletionNote: 'This cannot be undone. Its URL stops working.',
});

export const IntegrationsPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/integrations' });
  const client = useQueryClient();
  const isManager = useMay(projectId, 'manager');
  const [opened, open] = useState<Opened>();
  const close = () => open(undefined);
  const kind = useMemo(() => kindWith(open, isManager), [isManager]);
  const rotate = async ({ id }: Integration) => {
    const rotated = await call(rotateIntegrationUrl, { params: { projectId, integrationId: id } });
    await client.invalidateQueries({ queryKey: [pathOf(integrations.list, { projectId })] });
    open({ what: 'url', of: rotated });
  };
  return (
    <>
      <ResourcePage kind={kind} projectId={projectId} />
      {opened?.what === 'url' && (
        <SecretOnce
          title={`The URL of ${opened.of.name}`}
          label="URL"
          secret={opened.of.url ?? ''}
          onClose={close}
        >
          It is shown only once, and anyone who has it can start the template. Give it to the sender.
        </SecretOnce>
      )}
      {opened?.what === 'events' && <IntegrationEvents integration={opened.of} onClose={close} />}
      {opened?.what === 'rotate' && (
        <Confirm
          title={`Replace the URL of ${opened.of.name}?`}
          action="Create new URL"
          onConfirm={() => rotate(opened.of)}
          onClose={() => open((now) => (now?.what === 'rotate' ? undefined : now))}
        >
          The current URL stops working at once: events sent to it are refused.
        </Confirm>
      )}
    </>
  );
};
