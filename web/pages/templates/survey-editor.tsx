/** Survey of a template: the variables asked for when a task starts. */
import type { ReactNode } from 'react';
import type { SurveyVariable } from '../../../protocol/index.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Checkbox, Select, TextArea, TextField } from '../../ui/field.tsx';

export interface Question {
  /** Distinguishes the rows, as React's key. */
  readonly row: number;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly type: SurveyVariable['type'];
  readonly required: boolean;
  readonly default: string;
  /** Values of a choice: one a line, "name=value" or only the value. */
  readonly values: string;
}

const types = [
  { value: 'string', label: 'Text' },
  { value: 'int', label: 'Whole number' },
  { value: 'enum', label: 'Choice' },
  { value: 'secret', label: 'Secret' },
] as const;

export const toQuestions = (survey: readonly SurveyVariable[] = []): Question[] =>
  survey.map((variable, row) => ({
    row,
    name: variable.name,
    title: variable.title,
    description: variable.description ?? '',
    type: variable.type,
    required: variable.required,
    default: variable.type === 'secret' || variable.default === undefined ? '' : String(variable.default),
    values:
      variable.type === 'enum'
        ? variable.values.map(({ name, value }) => (name === value ? value : `${name}=${value}`)).join('\n')
        : '',
  }));

const choiceOf = (line: string) => {
  const at = line.indexOf('=');
  return at < 0
    ? { name: line, value: line }
    : { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
};

/** Converts the questions for the API, which validates them. */
export const fromQuestions = (questions: readonly Question[]): object[] =>
  questions.map(({ name, title, description, type, required, default: preset, values }) => ({
    name: name.trim(),
    title: title.trim() || name.trim(),
    type,
    required,
    description: description.trim() === '' ? undefined : description,
    ...(type === 'enum' && {
      values: values
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .map(choiceOf),
    }),
    ...(type !== 'secret' && preset !== '' && { default: type === 'int' ? Number(preset) : preset }),
  }));

interface SurveyEditorProps {
  readonly value: readonly Question[];
  readonly onChange: (value: Question[]) => void;
  readonly errorAt: (path: string) => string | undefined;
}

export const SurveyEditor = ({ value, onChange, errorAt }: SurveyEditorProps): ReactNode => {
  const change = (row: number, change: Partial<Question>) =>
    onChange(value.map((question) => (question.row === row ? { ...question, ...change } : question)));
  const add = () =>
    onChange([
      ...value,
      {
        row: Math.max(-1, ...value.map(({ row }) => row)) + 1,
        name: '',
        title: '',
        description: '',
        type: 'string',
        required: false,
        default: '',
        values: '',
      },
    ]);
  return (
    <fieldset className="field">
      <legend className="label">Survey</legend>
      <p className="hint">
        Questions for the person who starts a task. The answers become variables of the task.
      </p>
      {value.map((question, index) => (
        <section key={question.row} className="question" aria-label={`Question ${index + 1}`}>
          <div className="two">
            <TextField
              label="Variable"
              placeholder="VERSION"
              value={question.name}
              onChange={(name) => change(question.row, { name })}
              error={errorAt(`survey.${index}.name`)}
              isRequired
            />
            <TextField
              label="Title"
              value={question.title}
              onChange={(title) => change(question.row, { title })}
              error={errorAt(`survey.${index}.title`)}
            />
            <Select
              label="Type"
              value={question.type}
              onChange={(type) => change(question.row, { type: type as Question['type'] })}
              options={types}
              isRequired
            />
            {question.type !== 'secret' && (
              <TextField
                label="Default"
                value={question.default}
                onChange={(preset) => change(question.row, { default: preset })}
                error={errorAt(`survey.${index}.default`)}
              />
            )}
          </div>
          {question.type === 'enum' && (
            <TextArea
              label="Choices"
              hint="One a line: the value, or name=value."
              rows={3}
              value={question.values}
              onChange={(values) => change(question.row, { values })}
              error={errorAt(`survey.${index}.values`)}
              isRequired
            />
          )}
          <div className="row spread">
            <Checkbox
              label="Required"
              isChecked={question.required}
              onChange={(required) => change(question.row, { required })}
            />
            <IconButton
              icon="cross"
              label={`Remove question ${question.name || index + 1}`}
              onPress={() => onChange(value.filter(({ row }) => row !== question.row))}
            />
          </div>
        </section>
      ))}
      <div>
        <Button small icon="plus" onPress={add}>
          Add question
        </Button>
      </div>
    </fieldset>
  );
};
