/** People for tests: invited, signed in, with the headers that the console sends. */
import { expect } from 'vitest';
import * as z from 'zod';
import { project, type Role, user } from '../../../protocol/index.ts';
import { unique } from '../../../test/unique.ts';
import type { ApiFixture, Call } from './fixture.ts';

export const password = 'correct horse battery staple';
export const withToken = z.looseObject({ id: z.string(), token: z.string() });

/** Headers that a page of the console sends. */
export const page = { origin: 'http://127.0.0.1:8787', 'x-reveille-csrf': '1' };
export const cookieOf = (response: Response): string =>
  response.headers.get('set-cookie')?.split(';')[0] ?? '';
export const withCookie = (cookie: string, more: Call = {}): Call => ({
  ...more,
  token: null,
  headers: { cookie, ...page, ...more.headers },
});

/** Makes projects, and people who were invited into them and are signed in. */
export const peopleOf = (api: ApiFixture) => {
  let people = 0;
  return {
    aProject: async (name = unique('Web')) =>
      project.parse(await api.call('POST', '/api/projects', { name })),

    aMember: async (projectId: string, role: Role) => {
      people += 1;
      const email = `person${people}@example.org`;
      const { token } = withToken.parse(
        await api.call('POST', `/api/projects/${projectId}/invitations`, { email, role }),
      );
      const body = { token, name: `Person ${people}`, password };
      const response = await api.request('POST', '/api/invitations/accept', { token: null, body });
      expect(response.status, await response.clone().text()).toBe(200);
      return { email, cookie: cookieOf(response), token, id: user.parse(await response.json()).id };
    },
  };
};
