/** Launch options × roles × doors, generated: only values that the template allows are accepted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ApiFixture, openApiFixture } from '../../lambdas/api/testing/fixture.ts';
import { cookieOf, password, peopleOf, withCookie } from '../../lambdas/api/testing/people.ts';
import { type LaunchOption, launchOption, type ProjectId, pathOf, roles } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../dynamodb.ts';
import { type Asker, type Door, doorsOf } from './doors.ts';

const doorNames = [
  'the API by sign-in',
  'the API by token',
  'the command line',
  'a re-run of a task',
  'a schedule',
  'an integration',
];
const everybody = [...roles, 'admin'] as const;
type Who = (typeof everybody)[number];

let table: TestTable;
let api: ApiFixture;
let doors: Readonly<Record<string, Door>>;
const askers = new Map<Who, Asker>();
/** Template ids by option and by whether it is allowed. */
const templateIds = new Map<string, string>();
/** A value of each option that differs from every template here. */
let values: Readonly<Record<LaunchOption, unknown>>;

const keyOf = (option: LaunchOption, isAllowed: boolean) => `${option} ${isAllowed}`;

beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  const { aProject, aMember } = peopleOf(api);
  const { id: projectId } = await aProject();
  const base = `/api/projects/${projectId}`;
  const make = async (path: string, body: object) =>
    z.looseObject({ id: z.string() }).parse(await api.call('POST', `${base}/${path}`, body)).id;

  const owner = { email: 'admin@example.org', name: 'Admin', password };
  const adminCookie = cookieOf(await api.request('POST', '/api/setup', { body: owner }));
  const tokenFor = async (who: Who) => {
    const grant = who === 'admin' ? {} : { grant: { projectId: projectId as ProjectId, role: who } };
    return (await api.deps.apiTokens.create({ name: who, ...grant })).token;
  };
  for (const who of everybody) {
    const cookie = who === 'admin' ? adminCookie : (await aMember(projectId, who)).cookie;
    askers.set(who, { token: await tokenFor(who), cookie: withCookie(cookie) });
  }

  const hosts = { type: 'static', content: 'localhost' };
  const inventoryId = await make('inventories', { name: 'Staging', ...hosts });
  const environmentId = await make('environments', { name: 'Staging' });
  values = {
    limit: 'production',
    tags: ['deploy'],
    skipTags: ['slow'],
    check: true,
    diff: true,
    verbosity: 3,
    terraformAction: 'destroy',
    arguments: ['--become'],
    branch: 'feature/x',
    commit: '0123abc',
    inventory: await make('inventories', { name: 'Production', ...hosts }),
    environment: await make('environments', { name: 'Production' }),
    timeout: 120_000,
    priority: 100,
  };
  const repositoryId = await make('repositories', { name: 'R', url: 'https://example.org/a.git' });
  const shared = { path: 'site', repositoryId, inventoryId, environmentId, tag: 'nowhere' };
  for (const option of launchOption.options) {
    const app =
      option === 'terraformAction'
        ? { app: 'terraform', terraform: { action: 'plan' } }
        : { app: 'ansible', ansible: { limit: 'staging' } };
    for (const isAllowed of [true, false]) {
      const body = { name: keyOf(option, isAllowed), ...shared, ...app, launch: isAllowed ? [option] : [] };
      templateIds.set(keyOf(option, isAllowed), await make('templates', body));
    }
  }
  doors = doorsOf(api, projectId);
});
afterAll(() => table?.close());

const isSaved = (door: string) => door === 'a schedule' || door === 'an integration';

/** Returns the expected outcome of a try. */
const expected = (door: string, who: Who, option: LaunchOption, isAllowed: boolean): object => {
  const mayAsk = isSaved(door) ? !['guest', 'task_runner'].includes(who) : who !== 'guest';
  if (!mayAsk) return { is: 'refused', status: 403 };
  const value = values[option];
  if (isSaved(door)) return { is: 'taken', value, beyond: isAllowed ? undefined : [option] };
  if (isAllowed) return { is: 'taken', value, changed: [option] };
  if (door === 'a re-run of a task') return { is: 'taken', changed: undefined };
  return { is: 'refused', status: 422, text: expect.stringContaining(pathOf(option)) };
};

describe.each(doorNames)('a launch option by %s', (name) => {
  it.each(everybody)('follows the template and the role of a %s', async (who) => {
    const asker = askers.get(who);
    const door = doors[name];
    if (!asker || !door) throw new Error(`no ${who} or no door ${name}`);
    for (const option of launchOption.options) {
      for (const isAllowed of [true, false]) {
        const templateId = templateIds.get(keyOf(option, isAllowed)) ?? '';
        const outcome = await door(asker, { option, value: values[option], templateId });
        expect(outcome, `${who}, ${option}, ${isAllowed ? 'allowed' : 'not allowed'}`).toMatchObject(
          expected(name, who, option, isAllowed),
        );
      }
    }
  });
});

it('tries every door', () => {
  expect(Object.keys(doors).sort()).toEqual([...doorNames].sort());
});
