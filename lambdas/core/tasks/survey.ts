/** Checks survey answers of a new task against its template. */
import {
  type SurveyAnswers,
  type SurveyValue,
  type SurveyVariable,
  surveyValueInput,
} from '../../../protocol/index.ts';

export interface SurveyFault {
  readonly path: string;
  readonly message: string;
}

/** Secret answers are separate, as they are never shown. */
export type SurveyResult =
  | { readonly ok: true; readonly answers: SurveyAnswers; readonly secrets: SurveyAnswers }
  | { readonly ok: false; readonly faults: readonly SurveyFault[] };

const isWhole = (text: string) => /^-?\d{1,15}$/.test(text);

/** Maximum characters of listed values. */
const listedLength = 500;

const oneOf = (values: readonly string[]): string => {
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  return list.length <= listedLength
    ? `must be one of ${list}`
    : `must be one of its ${values.length} values`;
};

/** Converts the value to the variable's type, or returns its fault. */
const read = (variable: SurveyVariable, given: SurveyValue): { value: SurveyValue } | { wrong: string } => {
  switch (variable.type) {
    case 'int':
      if (typeof given === 'number') return { value: given };
      if (isWhole(given)) return { value: Number(given) };
      return {
        wrong: 'must be a whole number of at most 15 digits; a variable of the type string takes more',
      };
    case 'enum': {
      const values = variable.values.map(({ value }) => value);
      return values.includes(String(given)) ? { value: String(given) } : { wrong: oneOf(values) };
    }
    default: {
      // An integration gets its values from outside, so no form and no request has checked them.
      const checked = surveyValueInput.safeParse(String(given));
      return checked.success
        ? { value: checked.data }
        : { wrong: checked.error.issues[0]?.message ?? 'is not valid' };
    }
  }
};

/**
 * Fills in defaults; an empty answer counts as none. An answer saved as secret, by its name in `savedSecret`,
 * stays secret even after a change of its variable's type. Otherwise the person who changes the type could
 * read it.
 */
export const checkSurvey = (
  survey: readonly SurveyVariable[],
  given: Readonly<SurveyAnswers>,
  savedSecret: readonly string[] = [],
): SurveyResult => {
  const faults: SurveyFault[] = [];
  const answers: SurveyAnswers = {};
  const secrets: SurveyAnswers = {};
  for (const variable of survey) {
    const { name } = variable;
    const path = `survey.${name}`;
    const preset = variable.type === 'secret' ? undefined : variable.default;
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    const answer = own === undefined || own === '' ? preset : own;
    if (answer === undefined) {
      if (variable.required) faults.push({ path, message: 'is required' });
      continue;
    }
    const result = read(variable, answer);
    if ('wrong' in result) faults.push({ path, message: result.wrong });
    else {
      const isSecret = variable.type === 'secret' || (own !== undefined && savedSecret.includes(name));
      (isSecret ? secrets : answers)[name] = result.value;
    }
  }
  for (const name of Object.keys(given)) {
    if (survey.some((variable) => variable.name === name)) continue;
    faults.push({ path: `survey.${name}`, message: "is not a variable of the template's survey" });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, answers, secrets };
};

/**
 * Returns the secret variables of a survey, and those of `before` that were saved as secret and are still
 * asked for.
 */
export const secretNamesOf = (
  survey: readonly SurveyVariable[] = [],
  before: readonly string[] = [],
): string[] => survey.flatMap(({ type, name }) => (type === 'secret' || before.includes(name) ? [name] : []));
