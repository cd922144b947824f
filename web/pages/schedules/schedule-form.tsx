/** Form of a schedule. */
import { useQuery } from '@tanstack/react-query';
import { Fragment, type ReactNode } from 'react';
import {
  fittingOptions,
  launchOption,
  type Schedule,
  type SurveyVariable,
  type Template,
} from '../../../protocol/index.ts';
import { templateChoices } from '../../data/choices.ts';
import { templateQuery } from '../../data/templates.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { fromField, ownTimeZone, toField } from '../../shared/local-time.ts';
import { ReferenceField } from '../../shared/reference-field.tsx';
import type { FieldsProps } from '../../shared/resource-page.tsx';
import { Checkbox, TextField } from '../../ui/field.tsx';
import { answersOf, SurveyField } from '../tasks/run-task.tsx';
import { changedValues, type LaunchDraft, savedDraft, typedValues } from '../templates/launch-draft.ts';
import { SavedLaunchFields } from '../templates/launch-fields.tsx';
import { SchedulePreview } from './schedule-preview.tsx';

export interface ScheduleDraft {
  readonly name: string;
  readonly templateId: string;
  /** Template, once it is loaded. Its survey decides which answers are sent. */
  readonly template: Template | undefined;
  readonly active: boolean;
  readonly cron: string;
  readonly timeZone: string;
  /** Value of a date-and-time field, by the browser's clock; empty for none. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly message: string;
  readonly survey: Readonly<Record<string, string>>;
  /** Variables whose stored secret answer is to be removed. */
  readonly removed: readonly string[];
  readonly launch: LaunchDraft;
  /** Stored schedule; absent for a new one. */
  readonly before: Schedule | undefined;
}

export const emptySchedule = (): ScheduleDraft => ({
  name: '',
  templateId: '',
  template: undefined,
  active: true,
  cron: '0 3 * * *',
  timeZone: ownTimeZone(),
  startsAt: '',
  endsAt: '',
  message: '',
  survey: {},
  removed: [],
  launch: {},
  before: undefined,
});

export const scheduleDraft = (schedule: Schedule): ScheduleDraft => ({
  name: schedule.name,
  templateId: schedule.templateId,
  template: undefined,
  active: schedule.active,
  cron: schedule.cron,
  timeZone: schedule.timeZone,
  startsAt: toField(schedule.startsAt),
  endsAt: toField(schedule.endsAt),
  message: schedule.message ?? '',
  survey: Object.fromEntries(
    Object.entries(schedule.survey ?? {}).map(([name, value]) => [name, String(value)]),
  ),
  removed: [],
  launch: savedDraft(schedule),
  before: schedule,
});

/** Removes the secret answers from a copy, as they cannot be read back. */
export const withoutAnswers = (draft: ScheduleDraft): ScheduleDraft => ({
  ...draft,
  removed: [],
  before: draft.before && { ...draft.before, secretNames: [] },
});

/** Values that the draft gives the template. All stored ones are kept while the template is not loaded. */
const startOf = (draft: ScheduleDraft): object => {
  const { template, survey, removed, launch, before, templateId } = draft;
  const kept = before?.templateId === templateId ? before : undefined;
  if (!template) return { survey: kept?.survey, ...typedValues(launch, launchOption.options) };
  const answers = {
    ...Object.fromEntries(removed.map((name) => [name, null])),
    ...answersOf(template.survey ?? [], survey),
  };
  return {
    survey: Object.keys(answers).length > 0 ? answers : undefined,
    ...changedValues(template, launch, fittingOptions(template)),
  };
};

export const scheduleInput = (draft: ScheduleDraft): object => {
  const { name, templateId, active, cron, timeZone, message } = draft;
  return {
    name,
    templateId,
    active,
    cron,
    timeZone: timeZone.trim(),
    startsAt: fromField(draft.startsAt),
    endsAt: fromField(draft.endsAt),
    message: message.trim() === '' ? undefined : message,
    ...startOf(draft),
  };
};

const hintOf = (variable: SurveyVariable, hasSecret: boolean): string | undefined => {
  const preset = variable.type === 'secret' ? undefined : variable.default;
  const parts = [
    variable.description,
    hasSecret && 'Its answer is stored, and kept unless you type a new one.',
    preset !== undefined && `Left empty, it is ${preset}.`,
  ].filter((part) => typeof part === 'string');
  return parts.length > 0 ? parts.join(' ') : undefined;
};

const zones = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];

export const ScheduleFields = ({
  form: { value, set, field, errorAt },
  projectId,
}: FieldsProps<ScheduleDraft>): ReactNode => {
  const { data: template } = useQuery(templateQuery(projectId, value.templateId));
  const kept = value.before?.templateId === value.templateId ? (value.before?.secretNames ?? []) : [];
  return (
    <>
      <NameField {...field('name')} />
      <ReferenceField
        label="Template"
        choices={templateChoices(projectId)}
        none="Choose one"
        value={value.templateId}
        onChange={(templateId) =>
          set({
            templateId,
            // Its fields are shown once it is loaded, and each of them brings it along.
            template: undefined,
            removed: [],
            launch: {},
          })
        }
        error={errorAt('templateId')}
        isRequired
      />
      <div className="two">
        <TextField
          label="Cron expression"
          hint="Minute, hour, day of month, month, day of week."
          placeholder="0 3 * * 1-5"
          {...field('cron')}
          isRequired
        />
        <TextField
          label="Time zone"
          hint="The zone of the cron expression."
          list={zones}
          {...field('timeZone')}
          isRequired
        />
      </div>
      <SchedulePreview
        cron={value.cron}
        timeZone={value.timeZone}
        startsAt={fromField(value.startsAt)}
        endsAt={fromField(value.endsAt)}
      />
      <div className="two">
        <TextField label="Not before" type="datetime-local" hint="By your clock." {...field('startsAt')} />
        <TextField
          label="Ends"
          type="datetime-local"
          hint="By your clock. It starts nothing after this."
          {...field('endsAt')}
        />
      </div>
      {(template?.survey ?? []).map((variable) => {
        const { name } = variable;
        const isKept = kept.includes(name) && !value.removed.includes(name);
        return (
          <Fragment key={name}>
            <SurveyField
              variable={{
                ...variable,
                description: hintOf(variable, isKept),
                required: variable.required && !isKept,
              }}
              value={value.survey[name] ?? ''}
              onChange={(text) => set({ template, survey: { ...value.survey, [name]: text } })}
              error={errorAt(`survey.${name}`)}
            />
            {kept.includes(name) && (
              <Checkbox
                label={`Remove the stored answer of ${variable.title}`}
                isChecked={!isKept}
                onChange={(isRemoved) =>
                  set({
                    template,
                    removed: [...value.removed.filter((one) => one !== name), ...(isRemoved ? [name] : [])],
                  })
                }
              />
            )}
          </Fragment>
        );
      })}
      {template && (
        <SavedLaunchFields
          projectId={projectId}
          template={template}
          draft={value.launch}
          onChange={(launch) => set({ template, launch })}
          errorAt={errorAt}
        />
      )}
      <TextField
        label="Message"
        hint="Reason for the run, shown in the list of tasks."
        {...field('message')}
      />
      <Checkbox
        label="Active"
        hint="While not active, it starts nothing."
        isChecked={value.active}
        onChange={(active) => set({ active })}
      />
    </>
  );
};
