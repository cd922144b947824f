/** Variables and secrets that tasks get. */
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Environment, EnvironmentInput } from '../../protocol/index.ts';
import { environmentsQuery } from '../client/queries.ts';
import { ApiProblem } from '../client/request.ts';
import { NameField } from '../parts/common-fields.tsx';
import { copyOf, type FieldsProps, type Kind, ResourcePage } from '../parts/resource-page.tsx';
import { Notice } from '../ui/notice.tsx';
import { fromPairs, type Pair, PairsField, toPairs } from '../ui/pairs.tsx';
import { Ago } from '../ui/time.tsx';

interface Draft {
  readonly name: string;
  readonly variables: readonly Pair[];
  readonly secrets: readonly Pair[];
  readonly secretFiles: readonly Pair[];
}

const Fields = ({ form: { value, field }, isEdited }: FieldsProps<Draft>): ReactNode => (
  <>
    <NameField {...field('name')} />
    <PairsField label="Variables" one="variable" {...field('variables')} />
    {isEdited && value.secrets.length + value.secretFiles.length > 0 && (
      <Notice kind="info">Secrets cannot be read back: type each of them again, or remove it.</Notice>
    )}
    <PairsField
      label="Secrets"
      one="secret"
      hint="Masked in logs, and never shown again."
      isSecret
      {...field('secrets')}
    />
    <PairsField
      label="Secret files"
      one="secret file"
      hint="The variable holds the path of a file with the secret in it."
      isSecret
      isLong
      {...field('secretFiles')}
    />
  </>
);

const named = (names: readonly string[]): Pair[] => names.map((name, row) => ({ row, name, value: '' }));

/** A secret that was not typed again would be lost without a word. */
const secretsOf = (field: 'secrets' | 'secretFiles', pairs: readonly Pair[]): Record<string, string> => {
  const forgotten = pairs.find(({ name, value }) => name !== '' && value === '');
  if (forgotten) {
    const message = `${forgotten.name} is empty: type it, or remove it`;
    throw new ApiProblem({
      code: 'invalid_request',
      status: 422,
      detail: 'A secret is empty.',
      errors: [{ path: field, message }],
    });
  }
  return fromPairs(pairs);
};

const kind: Kind<Environment, Draft> = {
  one: 'environment',
  title: 'Environments',
  icon: 'environments',
  lead: 'Variables, and secrets that travel encrypted to the one runner that runs the task.',
  purpose: 'An environment gives variables and secrets to the tasks of the templates that name it.',
  path: 'environments',
  query: environmentsQuery,
  columns: [
    { header: 'Variables', align: 'right', render: ({ variables }) => Object.keys(variables).length },
    {
      header: 'Secrets',
      align: 'right',
      render: ({ secretNames, secretFileNames }) => secretNames.length + secretFileNames.length,
    },
    { header: 'Made', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  emptyDraft: { name: '', variables: [], secrets: [], secretFiles: [] },
  draftOf: ({ name, variables, secretNames, secretFileNames }) => ({
    name,
    variables: toPairs(variables),
    secrets: named(secretNames),
    secretFiles: named(secretFileNames),
  }),
  inputOf: ({ name, variables, secrets, secretFiles }): EnvironmentInput => ({
    name,
    variables: fromPairs(variables),
    secrets: secretsOf('secrets', secrets),
    secretFiles: secretsOf('secretFiles', secretFiles),
  }),
  Fields,
  duplicate: copyOf,
};

export const EnvironmentsPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/environments' });
  return <ResourcePage kind={kind} projectId={projectId} />;
};
