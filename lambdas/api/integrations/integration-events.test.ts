/** Events of integrations from arrival to outcome: lost invocations, crashes, failures, throttling. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { Table } from '../../adapters/table.ts';
import { repairEvents, workIntegrationEvent } from '../../flows/integrations/process-event.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { anIntegration, pushToMain } from '../testing/integrations.ts';

const text = JSON.stringify(pushToMain);
let table: TestTable | undefined;
let api: ApiFixture;
/** True while Lambda accepts invocations. */
let isTaken = true;
let isThrottled = false;

beforeAll(async () => {
  table = await openTestTable();
  const throttled = new Proxy(table.table, {
    get: (target, name: keyof Table) => {
      if (isThrottled) throw Object.assign(new Error('No room'), { name: 'ThrottlingException' });
      return target[name];
    },
  });
  api = await openApiFixture(
    { ...table, table: throttled },
    {
      workEventSoon: async (ref) => {
        if (!isTaken) throw new Error('Rate exceeded');
        await workIntegrationEvent(api.deps, ref);
      },
    },
  );
});
afterAll(() => table?.close());

const pending = async () => (await table?.dump())?.filter(({ live }) => live === 'event') ?? [];
const minute = 60_000;

/** An integration with a waiting event, since Lambda did not accept the invocation. */
const aWaitingEvent = async () => {
  const one = await anIntegration(api);
  isTaken = false;
  const response = await one.send(text, { 'webhook-id': 'msg_1' });
  isTaken = true;
  expect(response.status).toBe(202);
  return one;
};

describe('an event whose invocation was lost', () => {
  it('does not stop the retries of the others when its own retry fails', async () => {
    const [bad, good] = [await aWaitingEvent(), await aWaitingEvent()];
    api.pass(minute + 1);
    const [first] = await bad.events();
    const workEventSoon: typeof api.deps.workEventSoon = async (ref) => {
      if (ref.eventId === first?.id) throw new Error('Lambda does not take it');
      await api.deps.workEventSoon(ref);
    };
    expect(await repairEvents({ ...api.deps, workEventSoon })).toEqual({
      failed_and_left_for_later: 1,
      event_asked_again: 1,
    });
    expect(await good.tasks()).toHaveLength(1);
    api.pass(60 * minute);
    await repairEvents(api.deps);
    expect(await bad.tasks()).toHaveLength(1);
  });

  it('is stored, answered 202, and starts its task once, by the reconciler', async () => {
    const { events, tasks, answerTo } = await aWaitingEvent();
    expect(await events()).toMatchObject([{ outcome: 'received' }]);
    expect(await answerTo(text, { 'webhook-id': 'msg_1' })).toMatchObject({ outcome: 'duplicate' });
    expect(await repairEvents(api.deps)).toEqual({});
    api.pass(minute + 1);
    expect(await repairEvents(api.deps)).toEqual({ event_asked_again: 1 });
    expect(await tasks()).toHaveLength(1);
    expect((await events()).map(({ outcome }) => outcome).sort()).toEqual(['duplicate', 'started']);
    api.pass(60 * minute);
    expect(await repairEvents(api.deps)).toEqual({});
    expect(await pending()).toEqual([]);
  });

  it.each([
    ['was switched off', 'inactive'],
    ['was removed', 'refused'],
  ])('starts nothing when its integration %s meanwhile', async (what, outcome) => {
    const { base, made, templateId, tasks } = await aWaitingEvent();
    const path = `${base}/integrations/${made.id}`;
    if (what === 'was removed') await api.call('DELETE', path);
    else await api.call('PUT', path, { name: 'pushes', templateId, active: false });
    api.pass(minute + 1);
    await repairEvents(api.deps);
    expect(await tasks()).toEqual([]);
    expect(await pending()).toEqual([]);
    const records = await api.deps.integrations.listEvents(made.id, 10);
    expect(records).toMatchObject([{ outcome }]);
  });
});

describe('processing an event', () => {
  const refOf = async ({ id }: { id: string }) => {
    const [item] = await pending();
    const eventId = String(item?.id) as `iev_${string}`;
    return { projectId: id as `prj_${string}`, eventId };
  };

  it('makes one task, also after a crash before it is recorded, and at once', async () => {
    const one = await aWaitingEvent();
    const ref = await refOf(one);
    const record = async () => {
      throw new Error('The function was stopped.');
    };
    const crashing = { ...api.deps, integrations: { ...api.deps.integrations, record } };
    await expect(workIntegrationEvent(crashing, ref)).rejects.toThrow('was stopped');
    await Promise.all([workIntegrationEvent(api.deps, ref), workIntegrationEvent(api.deps, ref)]);
    await workIntegrationEvent(api.deps, ref);
    expect(await one.tasks()).toHaveLength(1);
    expect(await one.events()).toMatchObject([{ outcome: 'started' }]);
  });

  it('records its failures, and gives up after five tries in half an hour', async () => {
    const one = await aWaitingEvent();
    const ref = await refOf(one);
    const readForTask = async () => {
      throw new Error('The template is not readable');
    };
    const failing = { ...api.deps, readForTask };
    const workEventSoon = () => workIntegrationEvent(failing, ref).catch(() => {});
    await workEventSoon();
    expect(await one.events()).toMatchObject([
      { outcome: 'failed', detail: expect.stringContaining('The template is not readable') },
    ]);
    const seen = [];
    for (let minutes = 0; minutes < 70; minutes += 1) {
      api.pass(minute + 1);
      seen.push(...Object.keys(await repairEvents({ ...api.deps, workEventSoon })));
    }
    expect(seen).toEqual([...Array<string>(5).fill('event_asked_again'), 'event_given_up']);
    expect(await pending()).toEqual([]);
    expect(await one.events()).toMatchObject([
      { outcome: 'failed', detail: expect.stringContaining('send the event again') },
    ]);
    expect(await one.eventOf(text, { 'webhook-id': 'msg_1' })).toMatchObject({ outcome: 'started' });
  });
});

describe('the receiver of an integration', () => {
  it('stores nothing without the secret', async () => {
    const { path } = await anIntegration(api);
    const before = await table?.dump();
    const wrong = `${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`;
    expect((await api.request('POST', wrong, { token: null, rawBody: text })).status).toBe(404);
    const isCount = ({ pk }: { pk?: unknown }) => String(pk).startsWith('attempts#');
    expect((await table?.dump())?.filter((item) => !isCount(item))).toEqual(
      before?.filter((item) => !isCount(item)),
    );
  });

  it('rejects values that no item can hold, with the field and the maximum', async () => {
    const { send, events, tasks } = await anIntegration(api);
    const large = { ...pushToMain, repository: { full_name: 'x'.repeat(300_000) } };
    const response = await send(JSON.stringify(large));
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      detail: expect.stringMatching(/may hold 204800; the largest is site/),
    });
    expect(await events()).toMatchObject([{ outcome: 'refused' }]);
    expect(await tasks()).toEqual([]);
  });

  it('answers 503 with a time to retry when DynamoDB throttles', async () => {
    const { send } = await anIntegration(api);
    isThrottled = true;
    const response = await send(text).finally(() => {
      isThrottled = false;
    });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toMatchObject({ code: 'unavailable' });
  });
});

describe('listDue', () => {
  it('reads up to its limit, and only due events', async () => {
    for (let n = 0; n < 3; n += 1) await aWaitingEvent();
    const { listDue } = api.deps.pendingEvents;
    expect(await listDue(2)).toEqual([]);
    api.pass(minute + 1);
    expect(await listDue(2)).toHaveLength(2);
    await repairEvents(api.deps);
    expect(await pending()).toEqual([]);
  });
});
