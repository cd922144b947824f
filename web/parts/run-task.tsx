/** Starting a task: the answers that its template asks for, and what may be otherwise this time. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type SurveyVariable, type Task, type Template, task } from '../../protocol/index.ts';
import { pathIn, templatesQuery } from '../client/queries.ts';
import { call } from '../client/request.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Checkbox, Select, TextField } from '../ui/field.tsx';
import { FormFrame, useForm } from '../ui/form.tsx';

interface Draft {
  readonly message: string;
  readonly survey: Readonly<Record<string, string>>;
  readonly limit: string;
  readonly check: boolean;
  readonly diff: boolean;
  readonly action: string;
}

const answerOf = (variable: SurveyVariable, text: string): string | number =>
  variable.type === 'int' && /^-?\d+$/.test(text.trim()) ? Number(text) : text;

/** A field that nobody filled in is no answer: the template's default counts. */
export const answersOf = (variables: readonly SurveyVariable[], typed: Draft['survey']) =>
  Object.fromEntries(
    variables.flatMap((variable) => {
      const text = typed[variable.name] ?? '';
      return text === '' ? [] : [[variable.name, answerOf(variable, text)]];
    }),
  );

const defaultOf = (variable: SurveyVariable): string =>
  variable.type === 'secret' || variable.default === undefined ? '' : String(variable.default);

const bodyOf = (template: Template, draft: Draft) => {
  const survey = answersOf(template.survey ?? [], draft.survey);
  return {
    templateId: template.id,
    ...(draft.message.trim() !== '' && { message: draft.message }),
    ...(Object.keys(survey).length > 0 && { survey }),
    ...(template.app === 'ansible' && {
      ansible: {
        ...(draft.limit.trim() !== '' && { limit: draft.limit.trim() }),
        check: draft.check,
        diff: draft.diff,
      },
    }),
    ...(draft.action !== '' && { terraform: { action: draft.action } }),
  };
};

interface RunTaskProps {
  readonly projectId: string;
  /** Absent: to be chosen. */
  readonly templateId?: string | undefined;
  /** A task to run once more. */
  readonly like?: Task;
  readonly onClose: () => void;
}

export const RunTask = ({ projectId, templateId, like, onClose }: RunTaskProps): ReactNode => {
  const { data: templates = [] } = useQuery(templatesQuery(projectId));
  const [chosen, choose] = useState(templateId ?? like?.templateId ?? '');
  const template = templates.find(({ id }) => id === chosen) ?? (chosen === '' ? templates[0] : undefined);
  return (
    <Dialog title={template ? `Run ${template.name}` : 'Run a task'} onClose={onClose} shape="box">
      {templateId === undefined && like === undefined && (
        <div className="dialog-body closed">
          <Select
            label="Template"
            value={template?.id ?? ''}
            onChange={choose}
            options={templates.map(({ id, name }) => ({ value: id, label: name }))}
            isRequired
          />
        </div>
      )}
      {template && (
        <RunForm key={template.id} projectId={projectId} template={template} like={like} onClose={onClose} />
      )}
    </Dialog>
  );
};

interface RunFormProps {
  readonly projectId: string;
  readonly template: Template;
  readonly like: Task | undefined;
  readonly onClose: () => void;
}

const draftFor = (template: Template, like: Task | undefined): Draft => ({
  message: like?.message ?? '',
  survey: Object.fromEntries(
    (template.survey ?? []).map((variable) => [
      variable.name,
      String(like?.survey?.[variable.name] ?? defaultOf(variable)),
    ]),
  ),
  limit: like?.ansible?.limit ?? template.ansible?.limit ?? '',
  check: like?.ansible?.check ?? template.ansible?.check ?? false,
  diff: like?.ansible?.diff ?? template.ansible?.diff ?? false,
  action: like?.terraform?.action ?? '',
});

const RunForm = ({ projectId, template, like, onClose }: RunFormProps): ReactNode => {
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useForm(draftFor(template, like), async (draft) => {
    const started = await call('POST', pathIn(projectId, 'tasks'), task, { body: bodyOf(template, draft) });
    void client.invalidateQueries({ queryKey: [pathIn(projectId, 'tasks')] });
    onClose();
    await navigate({
      to: '/projects/$projectId/tasks/$taskId',
      params: { projectId, taskId: started.id },
    });
  });
  const { value, set, field, errorAt } = form;
  const isTerraform = template.app === 'terraform' || template.app === 'tofu';
  return (
    <FormFrame form={form} action="Run">
      {template.description && <p className="quiet-text">{template.description}</p>}
      {(template.survey ?? []).map((variable) => (
        <SurveyField
          key={variable.name}
          variable={variable}
          value={value.survey[variable.name] ?? ''}
          onChange={(text) => set({ survey: { ...value.survey, [variable.name]: text } })}
          error={errorAt(`survey.${variable.name}`)}
        />
      ))}
      {template.app === 'ansible' && (
        <>
          <TextField
            label="Limit"
            hint="A host pattern: only these hosts."
            {...field('limit', 'ansible.limit')}
          />
          <div className="row">
            <Checkbox label="Check only" isChecked={value.check} onChange={(check) => set({ check })} />
            <Checkbox label="Show differences" isChecked={value.diff} onChange={(diff) => set({ diff })} />
          </div>
        </>
      )}
      {isTerraform && (
        <Select
          label="Action"
          value={value.action}
          onChange={(action) => set({ action })}
          options={[
            { value: '', label: `As the template says (${template.terraform?.action ?? 'apply'})` },
            { value: 'plan', label: 'plan' },
            { value: 'apply', label: 'apply' },
            { value: 'destroy', label: 'destroy' },
          ]}
        />
      )}
      <TextField
        label="Message"
        hint="Why it is run. It stands in the list of tasks."
        {...field('message')}
      />
    </FormFrame>
  );
};

interface SurveyFieldProps {
  readonly variable: SurveyVariable;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | undefined;
}

export const SurveyField = ({ variable, value, onChange, error }: SurveyFieldProps): ReactNode => {
  const shared = {
    label: variable.title,
    hint: variable.description,
    isRequired: variable.required,
    value,
    onChange,
    error,
  };
  if (variable.type === 'enum') {
    const options = variable.values.map(({ name, value: each }) => ({ value: each, label: name }));
    return (
      <Select
        {...shared}
        options={variable.required && value ? options : [{ value: '', label: '–' }, ...options]}
      />
    );
  }
  if (variable.type === 'int') return <TextField {...shared} inputMode="numeric" />;
  return <TextField {...shared} type={variable.type === 'secret' ? 'password' : 'text'} autoComplete="off" />;
};
