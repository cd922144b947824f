import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addMs, epochMs } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { pricedSessions } from '../../adapters/costs/prices.ts';
import { sessionStore } from '../../adapters/runners/sessions.ts';
import { aProjectId, aRunner, noon } from '../../core/testing.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { keepPrices } from './refresh-prices.ts';

let opened: TestTable;
let fixture: FlowFixture;
beforeAll(async () => {
  opened = await openTestTable();
});
beforeEach(() => {
  fixture = flowFixture(opened.table);
});
afterAll(() => opened?.close());

/** Each test has its own type, as all share one table. */
const awake = (instanceType: string, region?: string) => [aRunner({ instanceType, region })];
const days = (count: number) => count * 86_400_000;
const dayOf = () => fixture.deps.now().slice(0, 10);

describe('prices', () => {
  it('are requested once for a type in use, and again after a week', async () => {
    fixture.priceList.has?.set('c8g.large', 80_000);
    await keepPrices(fixture.deps, [
      ...awake('c8g.large'),
      ...awake('c8g.large'),
      ...awake('c8g.large', 'eu-west-1'),
    ]);
    await keepPrices(fixture.deps, awake('c8g.large'));
    expect(fixture.priceList.asked).toEqual(['c8g.large in us-east-1', 'c8g.large in eu-west-1']);
    const price = { microUsdPerHour: 80_000, asOf: dayOf() };
    expect(await fixture.deps.prices.of('eu-west-1', 'c8g.large')).toEqual(price);
    fixture.priceList.has?.set('c8g.large', 90_000);
    fixture.pass(days(7));
    await keepPrices(fixture.deps, awake('c8g.large'));
    const all = await fixture.deps.prices.read();
    expect(all('us-east-1', 'c8g.large')).toEqual({ microUsdPerHour: 90_000, asOf: dayOf() });
    expect(all('eu-west-1', 'c8g.large')).toEqual(price);
  });

  it('are not read when no type in use is known', async () => {
    const reads: string[] = [];
    const prices = {
      ...fixture.deps.prices,
      listDue: async <T>(of: readonly T[]) => {
        reads.push('read');
        return [...of];
      },
    };
    await keepPrices({ ...fixture.deps, prices }, []);
    await keepPrices({ ...fixture.deps, prices }, [aRunner()]);
    expect(reads).toEqual([]);
  });

  it('stay unchanged while the list is unreachable, with a retry in an hour', async () => {
    fixture.priceList.has?.set('c8g.xlarge', 160_000);
    await keepPrices(fixture.deps, awake('c8g.xlarge'));
    fixture.pass(days(8));
    const had = fixture.priceList.has;
    fixture.priceList.has = undefined;
    await keepPrices(fixture.deps, [...awake('c8g.xlarge'), ...awake('c8g.4xlarge')]);
    await keepPrices(fixture.deps, awake('c8g.xlarge'));
    expect(fixture.priceList.asked).toEqual(['c8g.xlarge in us-east-1', 'c8g.xlarge in us-east-1']);
    expect(await fixture.deps.prices.of('us-east-1', 'c8g.xlarge')).toMatchObject({
      microUsdPerHour: 160_000,
    });
    fixture.pass(3_600_000);
    fixture.priceList.has = had?.set('c8g.xlarge', 170_000);
    await keepPrices(fixture.deps, awake('c8g.xlarge'));
    expect(await fixture.deps.prices.of('us-east-1', 'c8g.xlarge')).toMatchObject({
      microUsdPerHour: 170_000,
    });
  });

  it('are taken from the built-in table when the list has none', async () => {
    await keepPrices(fixture.deps, awake('m7g.large'));
    expect(fixture.priceList.asked).toEqual(['m7g.large in us-east-1']);
    const fromTable = { microUsdPerHour: 81_600, asOf: '2026-06' };
    expect(await fixture.deps.prices.of('us-east-1', 'm7g.large')).toEqual(fromTable);
    expect(await fixture.deps.prices.of('us-east-1', 'x9.mega')).toBeUndefined();
  });

  it('are requested by one of two concurrent passes', async () => {
    fixture.priceList.has?.set('c8g.8xlarge', 1_000_000);
    await Promise.all([1, 2, 3].map(() => keepPrices(fixture.deps, awake('c8g.8xlarge'))));
    expect(fixture.priceList.asked).toEqual(['c8g.8xlarge in us-east-1']);
  });

  it('are kept with a session that has ended', async () => {
    fixture.priceList.has?.set('c8g.medium', 40_000);
    await keepPrices(fixture.deps, awake('c8g.medium'));
    const sessions = pricedSessions(sessionStore(opened.table), fixture.deps.prices);
    const aSession = (instanceType: string) => ({
      id: fixture.deps.newId('ses', noon),
      runnerId: aRunner().id,
      projectId: aProjectId,
      instanceId: 'i-1',
      instanceType,
      region: 'us-east-1',
      startedAt: noon,
      endedAt: addMs(noon, 1000),
      busyMs: 0,
    });
    const [known, unknown] = [aSession('c8g.medium'), aSession('x9.mega')];
    await sessions.put(known);
    await sessions.put(unknown);
    fixture.pass(days(8));
    fixture.priceList.has?.set('c8g.medium', 50_000);
    await keepPrices(fixture.deps, awake('c8g.medium'));
    const found = await sessions.listReaching(aProjectId, noon, addMs(noon, 2000));
    const asOf = new Date(epochMs(fixture.deps.now()) - days(8)).toISOString().slice(0, 10);
    expect(found.find(({ id }) => id === known.id)?.price).toEqual({ microUsdPerHour: 40_000, asOf });
    expect(found.find(({ id }) => id === unknown.id)?.price).toBeUndefined();
  });
});
