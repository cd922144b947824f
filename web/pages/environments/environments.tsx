/** Variables and secrets that tasks get. */
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { environments } from '../../../protocol/endpoints/resources.ts';
import type { Environment, EnvironmentUpdate } from '../../../protocol/index.ts';
import { ApiProblem } from '../../data/request.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { type FieldsProps, type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { fromPairs, type Pair, PairsField, toPairs } from '../../ui/pairs.tsx';
import { Ago } from '../../ui/time.tsx';

interface Draft {
  readonly name: string;
  readonly variables: readonly Pair[];
  readonly secrets: readonly Pair[];
  readonly secretFiles: readonly Pair[];
  /** Stored environment, when it is edited. Secrets of it that have no row are removed. */
  readonly before: Pick<Environment, 'secretNames' | 'secretFileNames'> | undefined;
}

const Fields = ({ form: { field } }: FieldsProps<Draft>): ReactNode => (
  <>
    <NameField {...field('name')} />
    <PairsField label="Variables" one="variable" {...field('variables')} />
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

const kept = (names: readonly string[]): Pair[] =>
  names.map((name, row) => ({ row, name, value: '', isKept: true }));

/** Maps names to the typed secrets, and to null for stored ones whose row was removed. */
const secretsOf = (
  field: 'secrets' | 'secretFiles',
  pairs: readonly Pair[],
  stored: readonly string[] = [],
): Record<string, string | null> => {
  const forgotten = pairs.find(({ name, value, isKept }) => name !== '' && value === '' && !isKept);
  if (forgotten) {
    const message = `${forgotten.name} is empty: type it, or remove it`;
    throw new ApiProblem({
      code: 'invalid_request',
      status: 422,
      detail: 'A secret is empty.',
      errors: [{ path: field, message }],
    });
  }
  const removed = stored.filter((name) => !pairs.some((pair) => pair.name.trim() === name));
  const typed = pairs.filter(({ value, isKept }) => value !== '' || !isKept);
  return { ...Object.fromEntries(removed.map((name) => [name, null])), ...fromPairs(typed) };
};

/** Removes the secrets of a copy: they cannot be read back, so the copy asks for them. */
const withoutSecrets = (draft: Draft): Draft => {
  const asked = (pairs: readonly Pair[]) => pairs.map(({ row, name, value }) => ({ row, name, value }));
  return {
    ...draft,
    secrets: asked(draft.secrets),
    secretFiles: asked(draft.secretFiles),
    before: undefined,
  };
};

const kind: Kind<Environment, Draft> = {
  one: 'environment',
  title: 'Environments',
  icon: 'environments',
  lead: 'Variables, and secrets that travel encrypted to the one runner that runs the task.',
  purpose: 'An environment gives variables and secrets to the tasks of the templates that name it.',
  endpoints: environments,
  columns: [
    { header: 'Variables', align: 'right', render: ({ variables }) => Object.keys(variables).length },
    {
      header: 'Secrets',
      align: 'right',
      render: ({ secretNames, secretFileNames }) => secretNames.length + secretFileNames.length,
    },
    { header: 'Created', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  emptyDraft: { name: '', variables: [], secrets: [], secretFiles: [], before: undefined },
  draftOf: ({ name, variables, secretNames, secretFileNames }) => ({
    name,
    variables: toPairs(variables),
    secrets: kept(secretNames),
    secretFiles: kept(secretFileNames),
    before: { secretNames, secretFileNames },
  }),
  inputOf: ({ name, variables, secrets, secretFiles, before }): EnvironmentUpdate => ({
    name,
    variables: fromPairs(variables),
    secrets: secretsOf('secrets', secrets, before?.secretNames),
    secretFiles: secretsOf('secretFiles', secretFiles, before?.secretFileNames),
  }),
  Fields,
  stripCopy: withoutSecrets,
};

export const EnvironmentsPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/environments' });
  return <ResourcePage kind={kind} projectId={projectId} />;
};
