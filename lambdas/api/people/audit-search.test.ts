/** The audit trail by person, kind, object and time, as pages and as a file. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { auditEvent } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { peopleOf, withCookie } from '../testing/people.ts';

let table: TestTable;
let api: ApiFixture;
let base: string;
let member: { id: string; cookie: string };
let templateId: string;

const identified = z.looseObject({ id: z.string() });
const pageSchema = z.object({ items: z.array(auditEvent), nextCursor: z.string().optional() });
const list = async (query: string) => pageSchema.parse(await api.call('GET', `${base}/audit?${query}`));
const operations = async (query: string) => (await list(query)).items.map(({ operation }) => operation);

beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  const { aProject, aMember } = peopleOf(api);
  const { id } = await aProject();
  base = `/api/projects/${id}`;
  member = await aMember(id, 'manager');
  const script = { name: 'Deploy', app: 'bash', script: 'true' };
  const send = async (method: string, path: string, body?: object) =>
    api.request(method, `${base}/${path}`, withCookie(member.cookie, { body }));
  ({ id: templateId } = identified.parse(await (await send('POST', 'templates', script)).json()));
  await send('PUT', `templates/${templateId}`, { ...script, name: 'Release' });
  await api.call('POST', `${base}/keys`, { name: '=Vault', secret: { type: 'none' } });
});
afterAll(() => table?.close());

describe('the audit trail', () => {
  it.each<[string, () => string, readonly string[]]>([
    [
      'the id of a person',
      () => `actor=${member.id}`,
      ['replaceTemplate', 'createTemplate', 'acceptInvitation'],
    ],
    ['a part of a name', () => 'actor=PERSON', ['replaceTemplate', 'createTemplate', 'acceptInvitation']],
    ['a kind', () => 'kind=keys', ['createKey']],
    ['the id of an object', () => `object=${templateId}`, ['replaceTemplate', 'createTemplate']],
    ["an object's name", () => 'object=rele', ['replaceTemplate']],
  ])('is found by %s', async (_by, query, expected) => {
    expect(await operations(query())).toEqual(expected);
  });

  it.each(['actor[]=x', 'actors=x', 'limit=1&kinds=keys'])('rejects the unknown filter %s', async (query) => {
    expect(await api.refused('GET', `${base}/audit?${query}`)).toMatchObject({ code: 'invalid_request' });
  });

  it('is found by the time in its ids', async () => {
    const { id } = await peopleOf(api).aProject();
    const projectId = z.custom<`prj_${string}`>().parse(id);
    const actor = { id: 'operator', name: 'Operator' };
    for (const day of ['01', '02', '03']) {
      const event = { actor, operation: `day${day}`, target: `/api/projects/${id}` };
      await api.deps.audit.record(projectId, event, api.deps.newId('aud', `2026-05-${day}T12:00:00.000Z`));
    }
    const during = async (query: string) =>
      pageSchema
        .parse(await api.call('GET', `/api/projects/${id}/audit?${query}`))
        .items.map(({ operation }) => operation);
    expect(await during('from=2026-05-02T12:00:00.000Z')).toEqual(['day03', 'day02']);
    expect(await during('to=2026-05-02T12:00:00.000Z')).toEqual(['day02', 'day01']);
    expect(await during('actor=oper&from=2026-05-02T00:00:00.000Z&to=2026-05-03T00:00:00.000Z')).toEqual([
      'day02',
    ]);
    expect(await during('from=2026-05-03T00:00:00.000Z&to=2026-05-02T00:00:00.000Z')).toEqual([]);
  });

  it('continues after a page with filters', async () => {
    const first = await list('kind=templates&limit=1');
    expect(first.items.map(({ operation }) => operation)).toEqual(['replaceTemplate']);
    expect(await operations(`kind=templates&limit=1&cursor=${first.nextCursor}`)).toEqual(['createTemplate']);
    // A cursor of another window gives an empty page, not an error.
    expect(await operations(`from=2030-01-01T00:00:00.000Z&cursor=${first.nextCursor}`)).toEqual([]);
  });

  it('examines 2,000 events for a page with filters, and returns a cursor', async () => {
    const [event] = (await list('kind=keys')).items;
    const scope = base.split('/')[3];
    const older = Array.from({ length: 2000 }, () => api.deps.newId('aud', '2025-01-01T00:00:00.000Z'));
    await Promise.all(
      older.map((id) => table.table.put({ ...event, pk: `audit#${scope}-many`, sk: id, id })),
    );
    const many = z.custom<`prj_${string}`>().parse(`${scope}-many`);
    const query = { kind: 'users', limit: 50 };
    const page = await api.deps.audit.list(many, query, undefined);
    expect(page).toEqual({ items: [], next: older.toSorted()[0] });
    expect(await api.deps.audit.list(many, query, page.next)).toEqual({ items: [] });
  });

  it.each(['kind=Templates%20x', 'from=yesterday', 'actor='])('rejects %s', async (query) => {
    expect(await api.refused('GET', `${base}/audit?${query}`)).toMatchObject({ code: 'invalid_request' });
  });
});

describe('an export', () => {
  it.each([
    ['csv', 'text/csv; charset=utf-8'],
    ['jsonl', 'application/jsonl; charset=utf-8'],
  ])('contains the filtered events as %s', async (format, type) => {
    const answer = await api.request('GET', `${base}/audit/export?format=${format}&kind=keys`);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('content-disposition')).toMatch(new RegExp(`^attachment; .*[.]${format}"$`));
    const lines = (await answer.text()).trimEnd().split('\n');
    expect(lines).toHaveLength(format === 'csv' ? 2 : 1);
    expect(lines.at(-1)).toContain(format === 'csv' ? `"'=Vault"` : '"=Vault"');
  });

  it('comes in parts of 200 events, which are one file with one header', async () => {
    const projectId = await api.make('/api/projects', { name: 'Many' });
    const [event] = (await list('kind=keys')).items;
    for (let n = 0; n < 201; n += 1) {
      const id = api.deps.newId('aud');
      await table.table.put({ ...event, pk: `audit#${projectId}`, sk: id, id });
    }
    const first = await api.request('GET', `/api/projects/${projectId}/audit/export?format=csv`);
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await api.request('GET', next);
    expect(second.headers.get('link')).toBeNull();
    const text = (await first.text()) + (await second.text());
    expect(text.trimEnd().split('\r\n')).toHaveLength(202);
    expect(text.match(/request_id/g)).toHaveLength(1);
  });

  it('is open to owners and admins, like the list', async () => {
    for (const path of [`${base}/audit/export?format=csv`, '/api/audit/export?format=csv']) {
      expect((await api.request('GET', path, withCookie(member.cookie))).status).toBe(403);
      expect((await api.request('GET', path)).status).toBe(200);
    }
  });
});
