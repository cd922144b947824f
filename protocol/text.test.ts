import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  environment,
  environmentInput,
  keyInput,
  runnerInput,
  surveyAnswers,
  templateInput,
} from './index.ts';
import { cleaned, written } from './text.ts';

/** `path: message` of each fault. */
const faultsOf = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(
    ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
  );

describe('written', () => {
  it('refuses a control character anywhere in a value, by the name of the field', () => {
    const given = { name: 'n', variables: { A: 'x\u0000y' }, secrets: { PW: 'hunter2\u0000tail' } };
    expect(faultsOf(environmentInput, given)).toEqual([
      'variables.A: must not have the control character U+0000',
      'secrets.PW: must not have the control character U+0000',
    ]);
    expect(faultsOf(environmentInput, { name: 'a\u001b[31m' })).toEqual([
      'name: must not have the control character U+001B',
    ]);
  });

  it('takes tabs and line ends where a text has lines, and refuses them where it is one line', () => {
    const privateKey = '-----BEGIN\r\n\tx\n';
    expect(faultsOf(keyInput, { name: 'n', secret: { type: 'ssh', privateKey } })).toEqual([]);
    expect(faultsOf(keyInput, { name: 'a\nb', secret: { type: 'ssh', privateKey, login: 'a\tb' } })).toEqual([
      'name: must not have the control character U+000A',
      'secret.login: must not have the control character U+0009',
    ]);
  });

  it.each(['constructor', 'prototype', '__proto__'])('refuses a variable named %s', (name) => {
    const values = JSON.parse(`{"${name}": "x"}`);
    expect(faultsOf(environmentInput, { name: 'n', secretFiles: values })).toEqual([
      `secretFiles.${name}: must not be named ${name}`,
    ]);
  });

  it('refuses a reserved name as the tag of a runner and as a survey variable', () => {
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
  it('take what was stored before there was this check', () => {
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
  it('replaces control characters instead of refusing a report', () => {
    expect(cleaned(z.string().max(20)).parse('a\u0000b\tc\u001b')).toBe('a\uFFFDb\tc\uFFFD');
  });
});
