/** Two concurrent requests about one object: the second is made just before the first one writes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProjectId } from '../../../protocol/index.ts';
import { integration, project, repository } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

type Event = () => Promise<unknown>;

let opened: TestTable;
let api: ApiFixture;
let projectId: ProjectId;
let base: string;
/** Each event comes before one write, in their order. */
let beforeWrites: Event[] = [];

const interrupt = async (): Promise<void> => {
  await beforeWrites.shift()?.();
};

beforeAll(async () => {
  opened = await openTestTable();
  const { table } = opened;
  api = await openApiFixture({
    ...opened,
    table: {
      ...table,
      transact: async (writes) => {
        await interrupt();
        return table.transact(writes);
      },
      put: async (item, conditions) => {
        if (item.pk === 'stack') await interrupt();
        return table.put(item, conditions);
      },
    },
  });
  projectId = project.parse(await api.call('POST', '/api/projects', { name: 'Web' })).id;
  base = `/api/projects/${projectId}`;
});
afterAll(() => opened?.close());

const make = (many: string, body: object): Promise<string> =>
  api.make(`${base}/${many}`, { name: unique(many), ...body });
const stored = async (id: string) => (await opened.dump()).find(({ sk }) => sk === id);
const aKey = () => make('keys', { secret: { type: 'string', value: 'old' } });
/** Sends the first request, with one of `events` before each of its tries to write. */
const during = <T>(first: () => Promise<T>, ...events: Event[]): Promise<T> => {
  beforeWrites = events;
  return first();
};

describe('a replacement that leaves out a secret', () => {
  it('keeps the secret of a key that was saved meanwhile', async () => {
    const id = await aKey();
    const put = (body: object) => api.call('PUT', `${base}/keys/${id}`, body);
    await during(
      () => put({ name: unique('renamed') }),
      () => put({ name: unique('rotated'), secret: { type: 'string', value: 'new' } }),
    );
    expect(await stored(id)).toMatchObject({ secret: { value: 'new' } });
    expect((await stored(id))?.name).toContain('renamed');
  });

  it('keeps those of an environment that were saved meanwhile, and none that were removed', async () => {
    const id = await make('environments', { secrets: { OLD: '1' } });
    const put = (body: object) =>
      api.call('PUT', `${base}/environments/${id}`, { name: unique('live'), ...body });
    await during(
      () => put({ variables: { A: '1' } }),
      () => put({ secrets: { NEW: '2', OLD: null } }),
    );
    expect(await stored(id)).toMatchObject({ secrets: { NEW: '2' }, variables: { A: '1' } });
    expect(await stored(id)).not.toHaveProperty('secrets.OLD');
  });

  it('keeps the secret answer of a schedule that was saved meanwhile', async () => {
    const survey = [{ name: 'token', title: 'Token', type: 'secret' }];
    const templateId = await make('templates', { app: 'bash', script: 'true', survey });
    const timing = { templateId, cron: '0 3 * * *' };
    const id = await make('schedules', { ...timing, survey: { token: 'old' } });
    const put = (body: object) =>
      api.call('PUT', `${base}/schedules/${id}`, { name: unique('nightly'), ...timing, ...body });
    await during(
      () => put({ cron: '0 4 * * *' }),
      () => put({ survey: { token: 'new' } }),
    );
    expect(await stored(id)).toMatchObject({ surveySecrets: { token: 'new' }, cron: '0 4 * * *' });
  });

  it('keeps the URL of an integration that was rotated meanwhile', async () => {
    const templateId = await make('templates', { app: 'bash', script: 'true' });
    const id = await make('integrations', { templateId });
    const item = `${base}/integrations/${id}`;
    let url: string | undefined;
    await during(
      () => api.call('PUT', item, { name: unique('hook'), templateId }),
      async () => {
        url = integration.parse(await api.call('POST', `${item}/rotate-url`)).url;
      },
    );
    const secret = new URL(url ?? '').pathname.split('/').at(-1) ?? '';
    expect(await api.deps.integrations.open(projectId, id, secret)).toMatchObject({ id });
  });

  it('keeps the client secret of the sign-in provider that was saved meanwhile', async () => {
    const put = (body: object) =>
      api.call('PUT', '/api/sign-in-provider', {
        name: 'P',
        issuer: 'https://id.example/',
        clientId: 'c',
        ...body,
      });
    await put({ clientSecret: 'old' });
    await during(
      () => put({ name: 'renamed' }),
      () => put({ clientSecret: 'new' }),
    );
    expect(await api.deps.signInProviders.get()).toMatchObject({ name: 'renamed', clientSecret: 'new' });
  });

  it('is refused with advice after five tries', async () => {
    const id = await aKey();
    const bump: Event = () =>
      opened.table.update({ pk: projectId, sk: id }, { add: { version: 1 } }, [['exists', 'pk']]);
    const put = () => api.refused('PUT', `${base}/keys/${id}`, { body: { name: unique('late') } });
    expect(await during(put, bump, bump, bump, bump, bump)).toMatchObject({
      status: 409,
      code: 'changed_meanwhile',
    });
    expect((await stored(id))?.name).not.toContain('late');
  });
});

describe('a key that is removed while a repository starts to refer to it', () => {
  const aRepository = (keyId: string) => ({ name: unique('repo'), url: 'git@git.example:a/b.git', keyId });
  const path = (id: string) => `${base}/keys/${id}`;

  it('is removed, and the repository refused, when the removal comes first', async () => {
    const id = await aKey();
    const post = () => api.refused('POST', `${base}/repositories`, { body: aRepository(id) });
    const answer = await during(post, () => api.call('DELETE', path(id)));
    expect(answer).toMatchObject({ code: 'invalid_reference', errors: [{ path: 'keyId' }] });
  });

  it('is removed, and the repository refused, when that comes before the end of the removal', async () => {
    const id = await aKey();
    let answer: unknown;
    await during(
      () => api.call('DELETE', path(id)),
      async () => {
        answer = await api.refused('POST', `${base}/repositories`, { body: aRepository(id) });
      },
    );
    expect(answer).toMatchObject({ status: 409, code: 'changed_meanwhile' });
    expect(await stored(id)).toBeUndefined();
  });

  it('stays, and may be used again, when the repository came first', async () => {
    const id = await aKey();
    const first = repository.parse(await api.call('POST', `${base}/repositories`, aRepository(id)));
    expect(await api.refused('DELETE', path(id))).toMatchObject({ code: 'in_use' });
    await api.call('POST', `${base}/repositories`, aRepository(id));
    await api.call('PUT', `${base}/repositories/${first.id}`, aRepository(id));
  });

  it('may be used again a minute after an interrupted removal, and removed again at once', async () => {
    const [used, removed] = [await aKey(), await aKey()];
    for (const id of [used, removed]) {
      const stopping = () => Promise.reject(new Error('stopped'));
      await expect(api.deps.resources.keys.remove(projectId, id, stopping)).rejects.toThrow('stopped');
      const marked = { set: { removingSince: api.deps.now() } };
      await opened.table.update({ pk: projectId, sk: id }, marked, [['exists', 'pk']]);
    }
    const body = aRepository(used);
    expect(await api.refused('POST', `${base}/repositories`, { body })).toMatchObject({
      code: 'changed_meanwhile',
    });
    await api.call('DELETE', path(removed));
    api.pass(60_001);
    await api.call('POST', `${base}/repositories`, body);
  });
});
