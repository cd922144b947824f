/** Answers to a template's survey from the command line. */
import type { SurveyAnswers, SurveyVariable } from '../protocol/survey.ts';
import { CliError, exitCodes } from './errors.ts';

const wrong = (message: string) => new CliError(exitCodes.usage, message);

const split = (given: string, form: string): [name: string, value: string] => {
  const at = given.indexOf('=');
  if (at < 1) throw wrong(`"${given}" is not of the form ${form}`);
  return [given.slice(0, at), given.slice(at + 1)];
};

/** Parses a whole number where the survey asks for one; the API rejects wrong answers. */
const valueFor = (variable: SurveyVariable | undefined, text: string): string | number =>
  variable?.type === 'int' && /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : text;

export interface GivenAnswers {
  /** NAME=VALUE. */
  readonly values: readonly string[];
  /** NAME=PATH: the answer is the file's content without a final line break. */
  readonly files: readonly string[];
}

/** Parses the answers; `read` returns a file's content. */
export const parseAnswers = async (
  survey: readonly SurveyVariable[],
  { values, files }: GivenAnswers,
  read: (path: string) => Promise<string>,
): Promise<SurveyAnswers> => {
  const answers: SurveyAnswers = {};
  const add = (name: string, text: string) => {
    if (Object.hasOwn(answers, name)) throw wrong(`${name} is answered twice`);
    answers[name] = valueFor(
      survey.find((variable) => variable.name === name),
      text,
    );
  };
  for (const given of values) add(...split(given, 'NAME=VALUE'));
  for (const given of files) {
    const [name, path] = split(given, 'NAME=PATH');
    add(name, (await read(path)).replace(/\r?\n$/, ''));
  }
  return answers;
};

/** Lists the variables that have neither an answer nor a default. */
export const unanswered = (
  survey: readonly SurveyVariable[],
  answers: SurveyAnswers,
): readonly SurveyVariable[] =>
  survey.filter(
    (variable) =>
      variable.required &&
      !Object.hasOwn(answers, variable.name) &&
      (variable.type === 'secret' || variable.default === undefined),
  );
