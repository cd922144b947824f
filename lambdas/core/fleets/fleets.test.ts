import { describe, expect, it } from 'vitest';
import type { IdleWindow } from '../../../protocol/index.ts';
import { chooseRunner } from '../tasks/select-runner.ts';
import { aRunner, noon } from '../testing.ts';
import { fleetsByRegion, fleetsText, idleTimeoutAt, lacksInstance, powerOffOf } from './fleets.ts';

const officeHours: IdleWindow = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '08:00',
  to: '18:00',
  timeZone: 'Europe/Berlin',
  idleTimeoutMs: 3_600_000,
};
const aFleet = (fields: object = {}) => ({
  name: 'berlin',
  region: 'eu-central-1',
  instanceTypes: ['t4g.small'],
  idleTimeoutMs: 90_000,
  maxInstances: 2,
  ...fields,
});
const plansOf = (...fleets: object[]) => fleetsText.parse({ stack: 'Reveille', fleets }).fleets;
/** Runner of a fleet, without the instance that test runners have by default. */
const ofFleet = (fields: Parameters<typeof aRunner>[0] = {}) => {
  const { instanceId: _, ...runner } = aRunner({ fleet: 'berlin', ...fields });
  return { ...runner, instanceId: fields.instanceId };
};

describe('the fleets from CDK', () => {
  it('have defaults for absent fields, and the name of the launch template', () => {
    expect(plansOf(aFleet())).toEqual([
      {
        ...aFleet(),
        tags: [],
        spot: false,
        whenIdle: 'stop',
        schedule: [],
        stack: 'Reveille',
        launchTemplate: 'Reveille-berlin',
      },
    ]);
  });

  it("read 60 s, the default of 0.1.0, as today's default, and keep a window of 60 s", () => {
    const [plan] = plansOf(
      aFleet({ idleTimeoutMs: 60_000, schedule: [{ ...officeHours, idleTimeoutMs: 60_000 }] }),
    );
    expect(plan?.idleTimeoutMs).toBeUndefined();
    expect(plan?.schedule).toMatchObject([{ idleTimeoutMs: 60_000 }]);
  });

  it('are grouped by region', () => {
    const plans = plansOf(aFleet(), aFleet({ name: 'ohio', region: 'us-east-2' }), aFleet({ name: 'large' }));
    expect(fleetsByRegion(plans).map((fleets) => fleets.map(({ name }) => name))).toEqual([
      ['berlin', 'large'],
      ['ohio'],
    ]);
  });
});

describe('the schedule of a fleet', () => {
  const at = (instant: string, ...schedule: IdleWindow[]) =>
    idleTimeoutAt(plansOf(aFleet({ schedule })), ofFleet({ idleTimeoutMs: 10_000 }), instant);

  it.each([
    ['a Wednesday in winter, 07:59', '2026-01-07T06:59:59.999Z', 10_000],
    ['a Wednesday in winter, 08:00', '2026-01-07T07:00:00.000Z', 3_600_000],
    ['a Wednesday in winter, 17:59', '2026-01-07T16:59:59.999Z', 3_600_000],
    ['a Wednesday in winter, 18:00', '2026-01-07T17:00:00.000Z', 10_000],
    ['a Wednesday in summer, 08:00', '2026-07-08T06:00:00.000Z', 3_600_000],
    ['a Wednesday in summer, 18:00', '2026-07-08T16:00:00.000Z', 10_000],
    ['a Saturday, 12:00', '2026-01-10T11:00:00.000Z', 10_000],
    // The clocks went forward on Sunday, 2026-03-29, and go back on Sunday, 2026-10-25.
    ['the Friday before the clocks go forward, 08:00', '2026-03-27T07:00:00.000Z', 3_600_000],
    ['the Monday after the clocks went forward, 08:00', '2026-03-30T06:00:00.000Z', 3_600_000],
    ['the Monday after the clocks went forward, 07:59', '2026-03-30T05:59:00.000Z', 10_000],
    ['the Monday after the clocks went back, 08:00', '2026-10-26T07:00:00.000Z', 3_600_000],
    ['the Monday after the clocks went back, 07:00', '2026-10-26T06:00:00.000Z', 10_000],
  ])('applies in Berlin on %s', (_, instant, expected) => {
    expect(at(instant, officeHours)).toBe(expected);
  });

  it.each([
    ['before it', '2026-10-24T19:59:00.000Z', 10_000],
    ['on its day', '2026-10-24T20:00:00.000Z', 3_600_000],
    ['in the hour that comes twice, the first time', '2026-10-25T00:30:00.000Z', 3_600_000],
    ['in the hour that comes twice, the second time', '2026-10-25T01:30:00.000Z', 3_600_000],
    ['after it', '2026-10-25T05:00:00.000Z', 10_000],
    ['on the next day, which it does not contain', '2026-10-25T21:00:00.000Z', 10_000],
  ])('belongs over midnight to the day on which it begins: %s', (_, instant, expected) => {
    const night: IdleWindow = { ...officeHours, days: ['sat'], from: '22:00', to: '06:00' };
    expect(at(instant, night)).toBe(expected);
  });

  it('lasts all day from 00:00 to 24:00', () => {
    const sunday: IdleWindow = { ...officeHours, days: ['sun'], from: '00:00', to: '24:00' };
    expect(at('2026-10-24T21:59:00.000Z', sunday)).toBe(10_000);
    expect(at('2026-10-24T22:00:00.000Z', sunday)).toBe(3_600_000);
    expect(at('2026-10-25T22:59:00.000Z', sunday)).toBe(3_600_000);
    expect(at('2026-10-25T23:00:00.000Z', sunday)).toBe(10_000);
  });

  it('uses the first open window, each in its own time zone', () => {
    const tokyo: IdleWindow = { ...officeHours, timeZone: 'Asia/Tokyo', idleTimeoutMs: 5 };
    expect(at('2026-01-07T07:30:00.000Z', tokyo, officeHours)).toBe(5);
    expect(at('2026-01-07T10:00:00.000Z', tokyo, officeHours)).toBe(3_600_000);
  });

  it('does not apply to a runner without a fleet', () => {
    const plans = plansOf(aFleet({ schedule: [officeHours] }));
    expect(idleTimeoutAt(plans, aRunner({ idleTimeoutMs: 7 }), '2026-01-07T10:00:00.000Z')).toBe(7);
  });
});

describe('an instance that is no longer needed', () => {
  const instance = { instanceId: 'i-0123456789abcdef0', enrolledAt: noon, market: 'on-demand' } as const;
  const of = (whenIdle: string, fields: Parameters<typeof aRunner>[0] = instance) =>
    powerOffOf(plansOf(aFleet({ whenIdle })), ofFleet(fields));

  it('is powered off as its fleet configures', () => {
    expect(['stop', 'hibernate', 'terminate'].map((how) => of(how))).toEqual([
      'stop',
      'hibernate',
      'terminate',
    ]);
  });

  it('is terminated in any fleet when it is spot, or when its agent never started', () => {
    expect(of('stop', { ...instance, market: 'spot' })).toBe('terminate');
    const { enrolledAt: _, ...silent } = instance;
    expect(of('stop', silent)).toBe('terminate');
  });

  it('is stopped when its fleet is no longer in cdk.json, or when it has none', () => {
    expect(powerOffOf([], ofFleet(instance))).toBe('stop');
    expect(powerOffOf(plansOf(aFleet({ whenIdle: 'terminate' })), aRunner())).toBe('stop');
  });
});

describe('the choice among runners of a fleet', () => {
  it('wakes a stopped or stopping instance rather than launching one', () => {
    const bare = ofFleet();
    const stopping = ofFleet({ status: 'stopping', instanceId: 'i-0123456789abcdef1' });
    const stopped = ofFleet({ instanceId: 'i-0123456789abcdef2' });
    expect(chooseRunner([bare, stopping, stopped])).toBe(stopped);
    expect(chooseRunner([bare, stopping])).toBe(stopping);
    expect(chooseRunner([bare])).toBe(bare);
    expect([bare, stopped].map(lacksInstance)).toEqual([true, false]);
  });

  it('launches none while a starting one has room', () => {
    const comingUp = ofFleet({ status: 'starting', maxParallelTasks: 2 });
    expect(chooseRunner([ofFleet(), comingUp])).toBe(comingUp);
  });
});
