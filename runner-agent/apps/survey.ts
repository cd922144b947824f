/** The answers to a template's survey, secret ones included, in the forms that apps take them. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { SurveyAnswers } from '../../protocol/survey.ts';

type Answered = Pick<TaskPayload, 'survey' | 'surveySecrets'>;

export const answersOf = ({ survey, surveySecrets }: Answered): SurveyAnswers => ({
  ...survey,
  ...surveySecrets,
});

/** As environment variables, each with the prefix before its name. */
export const answersAsEnvironment = (payload: Answered, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(answersOf(payload)).map(([name, value]) => [`${prefix}${name}`, String(value)]),
  );
