/** Fields of launch options, filled in with the template's values. */
import type { ReactNode } from 'react';
import {
  beyondLaunch,
  fittingOptions,
  type LaunchOption,
  type LaunchTemplate,
  pathOf,
} from '../../../protocol/index.ts';
import { environmentChoices, inventoryChoices } from '../../data/choices.ts';
import { ReferenceField } from '../../shared/reference-field.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Checkbox, Select, TextArea, TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { changedValues, type LaunchDraft, launchNames, shownText } from './launch-draft.ts';

export interface LaunchFieldsProps {
  readonly projectId: string;
  readonly template: LaunchTemplate;
  readonly options: readonly LaunchOption[];
  readonly draft: LaunchDraft;
  readonly onChange: (draft: LaunchDraft) => void;
  readonly errorAt: (path: string) => string | undefined;
}

const hints: Readonly<Partial<Record<LaunchOption, string>>> = {
  limit: 'A host pattern: only these hosts. Empty: the template’s value.',
  tags: 'Separated by commas.',
  skipTags: 'Separated by commas.',
  verbosity: 'Number of "v" flags for Ansible: 0 to 5.',
  commit: 'Its hash, 7 digits or more.',
  priority: 'Of waiting tasks, the one with the highest priority starts first.',
};

const LaunchField = ({
  option,
  projectId,
  template,
  draft,
  onChange,
  errorAt,
}: Omit<LaunchFieldsProps, 'options'> & { readonly option: LaunchOption }): ReactNode => {
  const text = shownText(template, draft, option);
  const set = (value: string) => onChange({ ...draft, [option]: value });
  const field = {
    label: launchNames[option],
    value: text,
    onChange: set,
    error: errorAt(pathOf(option)),
    hint: hints[option],
  };
  switch (option) {
    case 'check':
    case 'diff':
      return (
        <Checkbox
          label={field.label}
          isChecked={text === 'true'}
          onChange={(isChecked) => set(String(isChecked))}
        />
      );
    case 'terraformAction':
      return (
        <Select
          {...field}
          options={['plan', 'apply', 'destroy'].map((value) => ({ value, label: value }))}
          isRequired
        />
      );
    case 'inventory':
      return <ReferenceField {...field} choices={inventoryChoices(projectId)} none="The template’s value" />;
    case 'environment':
      return (
        <ReferenceField {...field} choices={environmentChoices(projectId)} none="The template’s value" />
      );
    case 'arguments':
      return (
        <TextArea {...field} hint="One a line, passed unchanged: no shell reads them." rows={2} isCode />
      );
    case 'timeout':
      return <TextField {...field} type="number" min={1} unit="min" />;
    case 'verbosity':
    case 'priority':
      return <TextField {...field} type="number" />;
    default:
      return <TextField {...field} />;
  }
};

export const LaunchFields = ({ options, ...shared }: LaunchFieldsProps): ReactNode =>
  options.map((option) => <LaunchField key={option} option={option} {...shared} />);

/**
 * Launch options of a schedule or an integration. Shows all that the template can use, since only users who
 * may edit the template can save them.
 */
export const SavedLaunchFields = (props: Omit<LaunchFieldsProps, 'options'>): ReactNode => {
  const { template, draft } = props;
  const options = fittingOptions(template);
  const beyond = beyondLaunch(template, changedValues(template, draft, options));
  return (
    <details className="group" open={Object.keys(draft).length > 0}>
      <summary>Changes to the template</summary>
      <LaunchFields options={options} {...props} />
      {beyond.length > 0 && (
        <Notice kind="warn">
          Beyond the launch options of the template: {beyond.map((option) => launchNames[option]).join(', ')}.
          Users may not set these when they start a task. You may save them because you may edit the template.
        </Notice>
      )}
    </details>
  );
};

/** Marks a schedule or an integration whose options a user may not set when starting a task. */
export const BeyondBadge = ({ options = [] }: { readonly options?: readonly LaunchOption[] }): ReactNode =>
  options.length > 0 && (
    <>
      <Badge tone="warn">Beyond launch options</Badge>
      <span className="sub">{options.map((option) => launchNames[option]).join(', ')}</span>
    </>
  );
