/** Starts a task: the answers to its template's survey, and the launch options that differ this time. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { listTasks, startTask } from '../../../protocol/endpoints/tasks.ts';
import { type SurveyVariable, type Task, type Template, valuesAgain } from '../../../protocol/index.ts';
import { templateChoices } from '../../data/choices.ts';
import { ApiProblem, call } from '../../data/request.ts';
import { templateQuery } from '../../data/templates.ts';
import { ReferenceField } from '../../shared/reference-field.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Select, TextField } from '../../ui/field.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Notice } from '../../ui/notice.tsx';
import { changedValues, draftOf, type LaunchDraft, launchNames } from '../templates/launch-draft.ts';
import { LaunchFields } from '../templates/launch-fields.tsx';

interface Draft {
  readonly message: string;
  readonly survey: Readonly<Record<string, string>>;
  readonly launch: LaunchDraft;
}

const answerOf = (variable: SurveyVariable, text: string): string | number =>
  variable.type === 'int' && /^-?\d+$/.test(text.trim()) ? Number(text) : text;

/** Survey answers without empty fields, for which the template's default is used. */
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
    message: draft.message.trim() === '' ? undefined : draft.message,
    survey: Object.keys(survey).length > 0 ? survey : undefined,
    ...changedValues(template, draft.launch, template.launch),
  };
};

interface RunTaskProps {
  readonly projectId: string;
  /** Absent when the user chooses the template. */
  readonly templateId?: string;
  /** Task to run again. */
  readonly like?: Task;
  readonly onClose: () => void;
}

export const RunTask = ({ projectId, templateId, like, onClose }: RunTaskProps): ReactNode => {
  const choices = templateChoices(projectId);
  const given = templateId ?? like?.templateId;
  const [picked, pick] = useState('');
  const first = useQuery({ ...choices.matching(''), enabled: given === undefined });
  const chosen = given ?? (picked || first.data?.items[0]?.id);
  const found = useQuery(templateQuery(projectId, chosen ?? ''));
  const isGone = found.error instanceof ApiProblem && found.error.status === 404;
  return (
    <Dialog title={found.data ? `Run ${found.data.name}` : 'Run a task'} onClose={onClose} shape="box">
      {given === undefined && (
        <div className="dialog-body closed">
          <ReferenceField
            label="Template"
            choices={choices}
            value={chosen ?? ''}
            onChange={pick}
            error={undefined}
            isRequired
          />
        </div>
      )}
      {isGone ? (
        <p className="dialog-body quiet-text">Its template was deleted.</p>
      ) : (
        <Loaded query={{ data: found.data, error: first.error ?? found.error }}>
          {(one) => (
            <RunForm key={one.id} projectId={projectId} template={one} like={like} onClose={onClose} />
          )}
        </Loaded>
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
  launch: like ? draftOf(valuesAgain(template, like).values) : {},
});

const RunForm = ({ projectId, template, like, onClose }: RunFormProps): ReactNode => {
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useForm(draftFor(template, like), async (draft) => {
    const started = await call(startTask, { params: { projectId }, body: bodyOf(template, draft) });
    void client.invalidateQueries({ queryKey: [pathOf(listTasks, { projectId })] });
    onClose();
    await navigate({
      to: '/projects/$projectId/tasks/$taskId',
      params: { projectId, taskId: started.id },
    });
  });
  const { value, set, field, errorAt } = form;
  const leftOut = like ? valuesAgain(template, like).leftOut : [];
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
      {leftOut.length > 0 && (
        <Notice kind="warn">
          The template no longer allows this, so it is left out:{' '}
          {leftOut.map((option) => launchNames[option]).join(', ')}.
        </Notice>
      )}
      <LaunchFields
        projectId={projectId}
        template={template}
        options={template.launch}
        draft={value.launch}
        onChange={(launch) => set({ launch })}
        errorAt={errorAt}
      />
      <TextField
        label="Message"
        hint="Reason for the run, shown in the list of tasks."
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
