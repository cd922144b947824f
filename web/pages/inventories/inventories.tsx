/** Inventories: the hosts that Ansible connects to. */
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { inventories } from '../../../protocol/endpoints/resources.ts';
import type { Inventory } from '../../../protocol/index.ts';
import { keyChoices } from '../../data/choices.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { ReferenceField } from '../../shared/reference-field.tsx';
import { type FieldsProps, type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { Tags } from '../../ui/badge.tsx';
import { Select, TextArea, TextField } from '../../ui/field.tsx';
import { RoutingSentence, TagField } from '../templates/routing-sentence.tsx';

type Type = Inventory['type'];

interface Draft {
  readonly name: string;
  readonly type: Type;
  readonly content: string;
  readonly path: string;
  readonly keyId: string;
  readonly tag: string;
  readonly knownHosts: string;
}

const types: Readonly<Record<Type, string>> = {
  static: 'Static (INI)',
  'static-yaml': 'Static (YAML)',
  file: 'File in the repository',
};

const examples = {
  static: '[web]\nweb-1.example.com\nweb-2.example.com',
  'static-yaml': 'web:\n  hosts:\n    web-1.example.com:',
};

const Fields = ({ form: { value, set, field }, projectId }: FieldsProps<Draft>): ReactNode => (
  <>
    <NameField {...field('name')} />
    <Select
      label="Type"
      value={value.type}
      onChange={(type) => set({ type: type as Type })}
      options={Object.entries(types).map(([type, label]) => ({ value: type, label }))}
      isRequired
    />
    {value.type === 'file' ? (
      <TextField
        label="Path"
        hint="In the template’s repository."
        placeholder="inventories/production.ini"
        {...field('path')}
        isRequired
      />
    ) : (
      <TextArea
        label="Hosts"
        rows={8}
        isCode
        placeholder={examples[value.type]}
        {...field('content')}
        isRequired
      />
    )}
    <ReferenceField label="Key of the hosts" choices={keyChoices(projectId)} {...field('keyId')} />
    <TagField
      projectId={projectId}
      {...field('tag')}
      hint="Its tasks run on runners close to these hosts. The tag of a template takes precedence."
    />
    <RoutingSentence projectId={projectId} tag={value.tag} />
    <TextArea
      label="Known hosts"
      isCode
      hint="In known_hosts format: no other host key is accepted."
      {...field('knownHosts')}
    />
  </>
);

const kind: Kind<Inventory, Draft> = {
  one: 'inventory',
  title: 'Inventories',
  icon: 'inventories',
  lead: 'The hosts that Ansible connects to, the key that opens them, and the tag of the runners that are close to them.',
  purpose: 'An inventory names the hosts of an Ansible template.',
  endpoints: inventories,
  columns: [
    { header: 'Type', render: ({ type }) => types[type] },
    {
      header: 'Tag',
      render: ({ tag }) => (tag ? <Tags tags={[tag]} /> : <span className="quiet-text">none</span>),
    },
  ],
  emptyDraft: { name: '', type: 'static', content: '', path: '', keyId: '', tag: '', knownHosts: '' },
  draftOf: (item) => ({
    name: item.name,
    type: item.type,
    content: item.type === 'file' ? '' : item.content,
    path: item.type === 'file' ? item.path : '',
    keyId: item.keyId ?? '',
    tag: item.tag ?? '',
    knownHosts: item.knownHosts ?? '',
  }),
  inputOf: ({ name, type, content, path, keyId, tag, knownHosts }) => ({
    name,
    type,
    ...(type === 'file' ? { path } : { content }),
    keyId: keyId || undefined,
    tag: tag.trim() || undefined,
    knownHosts: knownHosts.trim() === '' ? undefined : knownHosts,
  }),
  Fields,
  deletionNote: 'This cannot be undone. An inventory that a template uses cannot be deleted.',
};

export const InventoriesPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/inventories' });
  return <ResourcePage kind={kind} projectId={projectId} />;
};
