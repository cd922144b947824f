import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  environment,
  environmentInput,
  keyInput,
  repositoryInput,
  runnerInput,
  surveyAnswers,
  templateInput,
} from './index.ts';
import { cleaned, written } from './text.ts';

/** Formats each fault as `path: message`. */
const faultsOf = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(
    ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
  );

describe('written', () => {
  it('rejects a control character anywhere in a value, and names the field', () => {
    const given = { name: 'n', variables: { A: 'x\u0000y' }, secrets: { PW: 'hunter2\u0000tail' } };
    expect(faultsOf(environmentInput, given)).toEqual([
      'variables.A: must not have the control character U+0000',
      'secrets.PW: must not have the control character U+0000',
    ]);
    expect(faultsOf(environmentInput, { name: 'a\u001b[31m' })).toEqual([
      'name: must not have the control character U+001B',
    ]);
  });

  it('accepts tabs and line ends in a text of several lines, and rejects them in a single line', () => {
    const privateKey = '-----BEGIN\r\n\tx\n';
    expect(faultsOf(keyInput, { name: 'n', secret: { type: 'ssh', privateKey } })).toEqual([]);
    expect(faultsOf(keyInput, { name: 'a\nb', secret: { type: 'ssh', privateKey, login: 'a\tb' } })).toEqual([
      'name: must not have the control character U+000A',
      'secret.login: must not have the control character U+0009',
    ]);
  });

  it.each([
    ['a\u200Bb', 'invisible character U+200B'],
    ['a\u202Eb', 'invisible character U+202E'],
    ['a\u{E0041}b', 'invisible character U+E0041'],
    ['a\u3164b', 'invisible character U+3164'],
    ['a\u200Db', 'invisible character U+200D'],
    ['a\uFE0Fb', 'invisible character U+FE0F'],
    ['a\u2028b', 'line end U+2028'],
    ['a\uD800b', 'half of a surrogate pair U+D800'],
    ['a\uDC00b', 'half of a surrogate pair U+DC00'],
  ])('rejects a name and a branch that nobody can read or type: %j', (line, what) => {
    const given = { name: line, url: '/srv/a.git', branch: line };
    expect(faultsOf(repositoryInput, given)).toEqual(
      expect.arrayContaining([`name: must not have the ${what}`, `branch: must not have the ${what}`]),
    );
  });

  it.each(['Größe', 'مخزن', '배포', '👩‍💻 team', '🏳️‍🌈', '❤️', '1️⃣ first', '👩🏽‍🚀'])(
    'accepts a name of letters and emoji: %s',
    (name) => {
      expect(faultsOf(environmentInput, { name })).toEqual([]);
    },
  );

  it('rejects half of a surrogate pair in every text, with its line and column', () => {
    const script = 'echo 1\necho \uD83D';
    expect(faultsOf(templateInput, { name: 'n', app: 'bash', script })).toEqual([
      'script: line 2, column 6: must not have the half of a surrogate pair U+D83D',
    ]);
    const text = 'a\u200Bb \u202E \u{1F600}';
    expect(faultsOf(templateInput, { name: 'n', app: 'bash', script: text })).toEqual([]);
  });

  it('unifies the composed and the decomposed spelling of a name, and changes no other field', () => {
    const given = { name: 'Gro\u0308\u00DFe', variables: { A: 'o\u0308' } };
    expect(environmentInput.parse(given)).toMatchObject({
      name: 'Gr\u00F6\u00DFe',
      variables: { A: 'o\u0308' },
    });
    expect(faultsOf(environmentInput, { name: '\u0958' })).toEqual([
      'name: must be written in Unicode normal form C',
    ]);
  });

  it.each(['constructor', 'prototype', '__proto__'])('rejects a variable named %s', (name) => {
    const values = JSON.parse(`{"${name}": "x"}`);
    expect(faultsOf(environmentInput, { name: 'n', secretFiles: values })).toEqual([
      `secretFiles.${name}: must not be named ${name}`,
    ]);
  });

  it('rejects a reserved name as the tag of a runner and as a survey variable', () => {
    expect(faultsOf(runnerInput, { name: 'n', tags: ['constructor'] })).toEqual([
      'tags.0: must not be named constructor',
    ]);
    const survey = [{ type: 'string', name: 'prototype', title: 'a\nb' }];
    expect(faultsOf(templateInput, { name: 'n', app: 'bash', script: 'true', survey })).toEqual([
      'survey.0.name: must not be named prototype',
      'survey.0.title: must not have the control character U+000A',
    ]);
  });

  it('keeps the fields of an object schema', () => {
    expect(Object.keys(written(z.strictObject({ a: z.string() })).shape)).toEqual(['a']);
  });
});

describe('schemas that read', () => {
  it('accept text that was stored before this check existed', () => {
    const stored = {
      id: 'env_01ARZ3NDEKTSV4RRFFQ69G5FAV',
      projectId: 'prj_01ARZ3NDEKTSV4RRFFQ69G5FAV',
      name: 'a\u0007b\nc',
      variables: { constructor: 'x\u0000' },
      secretNames: [],
      secretFileNames: [],
      createdAt: '2026-11-25T12:00:00.000Z',
    };
    expect(environment.parse(stored)).toEqual(stored);
    expect(surveyAnswers.parse({ constructor: '\u0000' })).toEqual({ constructor: '\u0000' });
  });
});

describe('cleaned', () => {
  it('replaces control characters instead of rejecting a report', () => {
    expect(cleaned(z.string().max(20)).parse('a\u0000b\tc\u001b')).toBe('a\uFFFDb\tc\uFFFD');
  });
});
