/** Questions on the terminal. Loaded only by commands that ask. */
import { input, number, password, select } from '@inquirer/prompts';
import type { SurveyAnswers, SurveyVariable } from '../protocol/survey.ts';
import { stackUrl } from './environment.ts';

const isGiven = (text: string) => text.trim() !== '' || 'This is needed';

export const askUrl = async (preset: string | undefined): Promise<string> =>
  stackUrl.parse(
    await input({
      message: 'URL of the console',
      validate: (text) =>
        stackUrl.safeParse(text).success || 'Give a URL such as https://reveille.example.com',
      default: preset,
    }),
  );

export const askWay = (): Promise<'password' | 'token'> =>
  select({
    message: 'Sign in with',
    choices: [
      { name: 'e-mail address and password', value: 'password' as const },
      { name: 'an API token (the console makes one)', value: 'token' as const },
    ],
  });

export const askEmail = (): Promise<string> => input({ message: 'E-mail address', validate: isGiven });
export const askPassword = (): Promise<string> => password({ message: 'Password', validate: isGiven });
export const askToken = (): Promise<string> =>
  password({ message: 'API token', mask: true, validate: isGiven });
export const askCode = (): Promise<string> =>
  input({
    message: 'Code of your authenticator',
    validate: (text) => /^\d{6}$/.test(text.trim()) || 'The 6 digits that it shows',
  });

/** Asks for each answer in turn. */
export const askAnswers = async (variables: readonly SurveyVariable[]): Promise<SurveyAnswers> => {
  const answers: SurveyAnswers = {};
  for (const { name, title, ...variable } of variables) {
    switch (variable.type) {
      case 'string':
        answers[name] = await input({ message: title, validate: isGiven });
        break;
      case 'secret':
        answers[name] = await password({ message: title, validate: isGiven });
        break;
      case 'int':
        answers[name] = await number({ message: title, required: true });
        break;
      case 'enum':
        answers[name] = await select({ message: title, choices: [...variable.values] });
    }
  }
  return answers;
};
