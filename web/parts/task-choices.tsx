/** What a task may have otherwise than its template: the options of Ansible, and the action of Terraform. */
import type { ReactNode } from 'react';
import type { ScheduleInput, Template } from '../../protocol/index.ts';
import { Checkbox, Select, TextField } from '../ui/field.tsx';

export interface TaskChoices {
  readonly limit: string;
  readonly check: boolean;
  readonly diff: boolean;
  /** Empty: the template's. */
  readonly action: string;
}

type Options = Pick<ScheduleInput, 'ansible' | 'terraform'>;

export const choicesOf = ({ ansible, terraform }: Options): TaskChoices => ({
  limit: ansible?.limit ?? '',
  check: ansible?.check ?? false,
  diff: ansible?.diff ?? false,
  action: terraform?.action ?? '',
});

/** As the API takes them, with what `before` says that has no field here. */
export const optionsOf = (
  { app }: Pick<Template, 'app'>,
  { limit, check, diff, action }: TaskChoices,
  before: Options,
): object => {
  if (app === 'ansible') {
    const { limit: _limit, check: _check, diff: _diff, ...others } = before.ansible ?? {};
    const ansible = {
      ...others,
      ...(limit.trim() !== '' && { limit: limit.trim() }),
      ...(check && { check }),
      ...(diff && { diff }),
    };
    return Object.keys(ansible).length > 0 ? { ansible } : {};
  }
  return (app === 'terraform' || app === 'tofu') && action !== '' ? { terraform: { action } } : {};
};

interface TaskChoiceFieldsProps {
  readonly template: Pick<Template, 'app' | 'terraform'>;
  readonly value: TaskChoices;
  readonly onChange: (change: Partial<TaskChoices>) => void;
  readonly errorAt: (path: string) => string | undefined;
}

export const TaskChoiceFields = ({
  template,
  value,
  onChange,
  errorAt,
}: TaskChoiceFieldsProps): ReactNode => {
  switch (template.app) {
    case 'ansible':
      return (
        <>
          <TextField
            label="Limit"
            hint="A host pattern: only these hosts."
            value={value.limit}
            onChange={(limit) => onChange({ limit })}
            error={errorAt('ansible.limit')}
          />
          <div className="row">
            <Checkbox label="Check only" isChecked={value.check} onChange={(check) => onChange({ check })} />
            <Checkbox
              label="Show differences"
              isChecked={value.diff}
              onChange={(diff) => onChange({ diff })}
            />
          </div>
        </>
      );
    case 'terraform':
    case 'tofu':
      return (
        <Select
          label="Action"
          value={value.action}
          onChange={(action) => onChange({ action })}
          options={[
            { value: '', label: `As the template says (${template.terraform?.action ?? 'apply'})` },
            ...['plan', 'apply', 'destroy'].map((action) => ({ value: action, label: action })),
          ]}
        />
      );
    default:
      return null;
  }
};
