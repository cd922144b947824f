/** Git repositories that playbooks and scripts come from. */
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { repositories } from '../../../protocol/endpoints/resources.ts';
import type { Repository } from '../../../protocol/index.ts';
import { keyChoices } from '../../data/choices.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { ReferenceField } from '../../shared/reference-field.tsx';
import { type FieldsProps, type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';

interface Draft {
  readonly name: string;
  readonly url: string;
  readonly branch: string;
  readonly keyId: string;
  readonly knownHosts: string;
}

const Fields = ({ form: { field }, projectId }: FieldsProps<Draft>): ReactNode => (
  <>
    <NameField {...field('name')} />
    <TextField
      label="URL"
      placeholder="https://github.com/you/playbooks.git"
      hint="https, ssh, git@host:path, or a path on the runner."
      {...field('url')}
      isRequired
    />
    <TextField
      label="Branch"
      hint="A branch, a tag, or the hash of a commit."
      {...field('branch')}
      isRequired
    />
    <ReferenceField
      label="Key"
      choices={keyChoices(projectId)}
      {...field('keyId')}
      none="None: it is public"
    />
    <TextArea label="Known hosts" isCode hint="For ssh, in known_hosts format." {...field('knownHosts')} />
  </>
);

const kind: Kind<Repository, Draft> = {
  one: 'repository',
  title: 'Repositories',
  icon: 'repositories',
  lead: 'Where playbooks, scripts and configurations come from.',
  purpose: 'A repository holds what templates run. A template can also hold its script itself.',
  endpoints: repositories,
  columns: [
    { header: 'URL', render: ({ url }) => <span className="break">{url}</span> },
    { header: 'Branch', from: 'tablet', render: ({ branch }) => <code>{branch}</code> },
  ],
  emptyDraft: { name: '', url: '', branch: 'main', keyId: '', knownHosts: '' },
  draftOf: ({ name, url, branch, keyId = '', knownHosts = '' }) => ({ name, url, branch, keyId, knownHosts }),
  inputOf: ({ keyId, knownHosts, ...rest }) => ({
    ...rest,
    keyId: keyId || undefined,
    knownHosts: knownHosts.trim() === '' ? undefined : knownHosts,
  }),
  Fields,
};

export const RepositoriesPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/repositories' });
  return <ResourcePage kind={kind} projectId={projectId} />;
};
