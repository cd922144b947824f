import { describe, expect, it } from 'vitest';
import { survey } from '../protocol/survey.ts';
import { parseAnswers, unanswered } from './survey.ts';

const variables = survey.parse([
  { name: 'version', title: 'Version', type: 'string', required: true },
  { name: 'count', title: 'Count', type: 'int', required: true, default: 2 },
  { name: 'password', title: 'Password', type: 'secret', required: true },
]);
const read = async (path: string) => `content of ${path}\n`;
const parse = (values: string[], files: string[] = []) => parseAnswers(variables, { values, files }, read);

describe('answers to a survey', () => {
  it('are text, or numbers where the survey asks for one, and may contain "="', async () => {
    expect(await parse(['version=1=2', 'count=-7'])).toEqual({ version: '1=2', count: -7 });
    expect(await parse(['count=many'])).toEqual({ count: 'many' });
  });

  it('come from files without their final line break', async () => {
    expect(await parse([], ['password=secret.txt'])).toEqual({ password: 'content of secret.txt' });
  });

  it('are rejected without a name, or when given twice', async () => {
    await expect(parse(['=x'])).rejects.toThrow('NAME=VALUE');
    await expect(parse(['version=1', 'version=2'])).rejects.toThrow('version is answered twice');
  });

  it('are requested when they are required and have no default', () => {
    expect(unanswered(variables, { version: '1' }).map(({ name }) => name)).toEqual(['password']);
  });
});
