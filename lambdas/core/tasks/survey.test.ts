import { describe, expect, it } from 'vitest';
import { survey } from '../../../protocol/index.ts';
import { checkSurvey } from './survey.ts';

const asked = survey.parse([
  { name: 'version', title: 'Version', type: 'string', required: true },
  { name: 'count', title: 'Count', type: 'int', default: 2 },
  { name: 'place', title: 'Place', type: 'enum', values: [{ name: 'Sydney', value: 'syd' }] },
  { name: 'password', title: 'Password', type: 'secret' },
]);

describe('checkSurvey', () => {
  it('fills in defaults, reads numbers, and separates secrets', () => {
    expect(checkSurvey(asked, { version: '1.2', password: 'hush', place: 'syd' })).toEqual({
      ok: true,
      answers: { version: '1.2', count: 2, place: 'syd' },
      secrets: { password: 'hush' },
    });
    expect(checkSurvey(asked, { version: '1', count: '-7' })).toMatchObject({ answers: { count: -7 } });
  });

  it('names each invalid field', () => {
    const given = { version: '', count: 'many', place: 'oslo', colour: 'red' };
    expect(checkSurvey(asked, given)).toEqual({
      ok: false,
      faults: [
        { path: 'survey.version', message: 'is required' },
        { path: 'survey.count', message: expect.stringMatching(/^must be a whole number/) },
        { path: 'survey.place', message: 'must be one of "syd"' },
        { path: 'survey.colour', message: "is not a variable of the template's survey" },
      ],
    });
  });

  it("keeps an answer secret that was saved as secret, even after a change of its variable's type", () => {
    const given = { version: 'hush', count: 7, place: 'syd' };
    expect(checkSurvey(asked, given, ['version', 'place'])).toEqual({
      ok: true,
      answers: { count: 7 },
      secrets: { version: 'hush', place: 'syd' },
    });
    // Everybody can read a default in the template.
    expect(checkSurvey(asked, { version: '1' }, ['count'])).toMatchObject({
      answers: { version: '1', count: 2 },
      secrets: {},
    });
  });

  it('never shows the value of a secret', () => {
    const secret = survey.parse([{ name: 'pin', title: 'PIN', type: 'secret', required: true }]);
    expect(checkSurvey(secret, { pin: 1234 })).toEqual({ ok: true, answers: {}, secrets: { pin: '1234' } });
  });
});

describe('a survey', () => {
  it('rejects a duplicate name, and a default that is not an option', () => {
    const twice = { name: 'a', title: 'A', type: 'string' };
    expect(survey.safeParse([twice, twice]).success).toBe(false);
    const values = [{ name: 'One', value: '1' }];
    expect(survey.safeParse([{ ...twice, type: 'enum', values, default: '2' }]).success).toBe(false);
  });
});
