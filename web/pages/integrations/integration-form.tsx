/**
 * Form of an integration: its template, how senders authenticate, the matchers, and what is extracted from
 * the event.
 */

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Choice } from '../../../protocol/endpoints/choices.ts';
import {
  type Integration,
  type IntegrationInput,
  type IntegrationMatcher,
  type KeyId,
  launchOption,
} from '../../../protocol/index.ts';
import { keyChoices, templateChoices } from '../../data/choices.ts';
import { templateQuery } from '../../data/templates.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { ReferenceField } from '../../shared/reference-field.tsx';
import type { FieldsProps } from '../../shared/resource-page.tsx';
import { Checkbox, Select, TextField } from '../../ui/field.tsx';
import { type LaunchDraft, savedDraft, typedValues } from '../templates/launch-draft.ts';
import { SavedLaunchFields } from '../templates/launch-fields.tsx';
import { EventSourceField, fromSource, type SourceDraft, toSource } from './event-source-field.tsx';
import { asRows, type Row, RowEditor } from './row-editor.tsx';

type AuthType = IntegrationInput['auth']['type'];
type Operator = IntegrationMatcher['operator'];

interface MatcherDraft extends Row, SourceDraft {
  readonly operator: Operator;
  readonly value: string;
}
interface VariableDraft extends Row, SourceDraft {
  readonly variable: string;
}

export interface IntegrationDraft {
  readonly name: string;
  readonly templateId: string;
  readonly active: boolean;
  readonly auth: AuthType;
  readonly keyId: string;
  readonly header: string;
  readonly matchers: readonly MatcherDraft[];
  readonly variables: readonly VariableDraft[];
  readonly launch: LaunchDraft;
}

export const emptyIntegration: IntegrationDraft = {
  name: '',
  templateId: '',
  active: true,
  auth: 'url',
  keyId: '',
  header: 'x-signature',
  matchers: [],
  variables: [],
  launch: {},
};

export const proofs: Readonly<Record<AuthType, string>> = {
  url: 'The secret URL alone',
  github: 'GitHub’s signature (X-Hub-Signature-256)',
  gitlab: 'GitLab’s token (X-Gitlab-Token)',
  hmac: 'HMAC-SHA-256 of the body in a header',
};

const operators: Readonly<Record<Operator, string>> = {
  equals: 'equals',
  not_equals: 'does not equal',
  contains: 'contains',
  starts_with: 'starts with',
  ends_with: 'ends with',
  exists: 'exists',
};

const optionsOf = <K extends string>(all: Readonly<Record<K, string>>) =>
  Object.entries<string>(all).map(([value, label]) => ({ value, label }));

const keyIn = <K extends string>(all: Readonly<Record<K, string>>, wanted: string, otherwise: K): K =>
  (Object.keys(all) as K[]).find((key) => key === wanted) ?? otherwise;

export const integrationDraft = ({
  name,
  templateId,
  active,
  auth,
  matchers,
  variables,
  ...saved
}: Integration): IntegrationDraft => ({
  name,
  templateId,
  active,
  auth: auth.type,
  keyId: auth.type === 'url' ? '' : auth.keyId,
  header: auth.type === 'hmac' ? auth.header : emptyIntegration.header,
  matchers: asRows(matchers.map(({ source, operator, value }) => ({ ...toSource(source), operator, value }))),
  variables: asRows(variables.map(({ variable, source }) => ({ ...toSource(source), variable }))),
  launch: savedDraft(saved),
});

const authOf = ({ auth, keyId, header }: IntegrationDraft): object => {
  const key = { keyId: keyId as KeyId };
  switch (auth) {
    case 'url':
      return { type: auth };
    case 'hmac':
      return { type: auth, ...key, header: header.trim() };
    default:
      return { type: auth, ...key };
  }
};

export const integrationInput = (draft: IntegrationDraft): object => ({
  name: draft.name,
  templateId: draft.templateId,
  active: draft.active,
  auth: authOf(draft),
  matchers: draft.matchers.map((matcher) => ({
    source: fromSource(matcher),
    operator: matcher.operator,
    value: matcher.operator === 'exists' ? undefined : matcher.value,
  })),
  variables: draft.variables.map((one) => ({ variable: one.variable.trim(), source: fromSource(one) })),
  ...typedValues(draft.launch, launchOption.options),
});

const isOfTypeString = ({ type }: Choice): boolean => type === 'string';

export const IntegrationFields = ({
  form: { value, set, field, errorAt },
  projectId,
}: FieldsProps<IntegrationDraft>): ReactNode => {
  const { data: template } = useQuery(templateQuery(projectId, value.templateId));
  const survey = template?.survey ?? [];
  return (
    <>
      <NameField {...field('name')} />
      <ReferenceField
        label="Template"
        choices={templateChoices(projectId)}
        none="Choose one"
        {...field('templateId')}
        onChange={(templateId) => set({ templateId, launch: {} })}
        isRequired
      />
      <Select
        label="Sender authentication"
        value={value.auth}
        onChange={(auth) => set({ auth: keyIn(proofs, auth, 'url') })}
        options={optionsOf(proofs)}
        isRequired
      />
      {value.auth !== 'url' && (
        <ReferenceField
          label="Key"
          hint="A key of type string with the secret that the sender uses."
          choices={keyChoices(projectId)}
          only={isOfTypeString}
          none="Choose one"
          {...field('keyId', 'auth.keyId')}
          isRequired
        />
      )}
      {value.auth === 'hmac' && (
        <TextField label="Signature header" {...field('header', 'auth.header')} isRequired />
      )}
      <RowEditor
        legend="Matchers"
        one="matcher"
        hint="An event starts the template only if all match. Without matchers, every event does."
        value={value.matchers}
        onChange={(matchers) => set({ matchers })}
        empty={{ from: 'body', at: '', operator: 'equals', value: '' }}
      >
        {(matcher, index, change) => (
          <>
            <EventSourceField value={matcher} onChange={change} error={errorAt(`matchers.${index}.source`)} />
            <Select
              label="Comparison"
              value={matcher.operator}
              onChange={(operator) => change({ operator: keyIn(operators, operator, 'equals') })}
              options={optionsOf(operators)}
              isRequired
            />
            {matcher.operator !== 'exists' && (
              <TextField
                label="Value"
                value={matcher.value}
                onChange={(text) => change({ value: text })}
                error={errorAt(`matchers.${index}.value`)}
                isRequired
              />
            )}
          </>
        )}
      </RowEditor>
      <RowEditor
        legend="Variables"
        one="variable"
        hint="Values of the event that answer the template’s survey. A missing value falls back to the survey’s default."
        value={value.variables}
        onChange={(variables) => set({ variables })}
        empty={{ from: 'body', at: '', variable: '' }}
      >
        {(variable, index, change) => (
          <>
            <TextField
              label="Variable"
              list={survey.map(({ name }) => name)}
              placeholder={survey[0]?.name ?? 'version'}
              value={variable.variable}
              onChange={(name) => change({ variable: name })}
              error={errorAt(`variables.${index}.variable`)}
              isRequired
            />
            <EventSourceField
              value={variable}
              onChange={change}
              error={errorAt(`variables.${index}.source`)}
            />
          </>
        )}
      </RowEditor>
      {template && (
        <SavedLaunchFields
          projectId={projectId}
          template={template}
          draft={value.launch}
          onChange={(launch) => set({ launch })}
          errorAt={errorAt}
        />
      )}
      <Checkbox
        label="Active"
        hint="While not active, events are recorded but start nothing."
        isChecked={value.active}
        onChange={(active) => set({ active })}
      />
    </>
  );
};
