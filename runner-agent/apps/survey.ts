/** Converts the answers to a template's survey, including secret ones, to the forms that apps take. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { SurveyAnswers } from '../../protocol/survey.ts';

type Answered = Pick<TaskPayload, 'survey' | 'surveySecrets'>;

export const answersOf = ({ survey, surveySecrets }: Answered): SurveyAnswers => ({
  ...survey,
  ...surveySecrets,
});

/** Returns the answers as environment variables, each name with the prefix. */
export const answersAsEnvironment = (payload: Answered, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(answersOf(payload)).map(([name, value]) => [`${prefix}${name}`, String(value)]),
  );
