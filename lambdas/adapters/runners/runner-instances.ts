/** Which instance a runner has: its binding, its launches, and its sessions, in which it costs money. */
import * as z from 'zod';
import { epochMs, type Instant, type OpenSession, runnerId } from '../../../protocol/index.ts';
import { type Records, recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';
import {
  type ChangeRunner,
  type Launch,
  poolOf,
  type RunnerRecord,
  type RunnerRef,
} from './runner-record.ts';

/** An instance that a fleet launched for a runner. */
export interface LaunchedInstance extends Pick<RunnerRecord, 'instanceType' | 'market'> {
  readonly instanceId: string;
  readonly region: string;
}

/** Events about an instance that is gone may come for a while. */
const unboundKeptSeconds = 86_400;

const binding = z.object({ pool: z.string(), runnerId });

export const runnerInstances = (table: Table, runners: Records<RunnerRecord>, change: ChangeRunner) => {
  const bindings = recordsOf(table, binding);
  /** Binds an instance to one runner only. A binding whose runner is gone, or bound elsewhere, is taken over. */
  const bind = async (instanceId: string, ref: RunnerRef): Promise<boolean> => {
    const item = { ...keys.instance(instanceId), pool: poolOf(ref), runnerId: ref.id };
    if (await bindings.put(item, [['any', ['missing', 'pk'], ['=', 'runnerId', ref.id]]])) return true;
    const holder = await findByInstance(instanceId);
    if (holder) return false;
    return bindings.put(item);
  };

  const findByInstance = async (instanceId: string): Promise<RunnerRecord | undefined> => {
    const bound = bindings.readIf(await table.get(keys.instance(instanceId)));
    if (!bound) return undefined;
    const found = runners.readIf(await table.get({ pk: bound.pool, sk: bound.runnerId }));
    return found?.instanceId === instanceId ? found : undefined;
  };

  return {
    bind,
    findByInstance,

    /** Forgets whose an instance was that is gone. */
    unbind: async (instanceId: string, now: Instant): Promise<void> => {
      const expiresAt = Math.ceil(epochMs(now) / 1000) + unboundKeptSeconds;
      await table.update(keys.instance(instanceId), { set: { expiresAt } }, [['exists', 'pk']]);
    },

    /** Notes that an instance is about to be launched for it. Refused when that is noted already, or it has one. */
    beginLaunch: (ref: RunnerRef, launch: Launch) =>
      change(ref, { set: { launch } }, [
        ['=', 'status', 'starting'],
        ['missing', 'launch'],
        ['missing', 'instanceId'],
      ]),

    /** That launch brought no instance. */
    endLaunch: (ref: RunnerRef, launch: Launch) =>
      change(ref, { set: { launch: undefined } }, [['partIs', 'launch', 'id', launch.id]]),

    /** That launch brought this one. Refused when the launch is over. */
    takeInstance: (ref: RunnerRef, launch: Launch, launched: LaunchedInstance) =>
      change(ref, { set: { ...launched, launch: undefined, fault: undefined } }, [
        ['partIs', 'launch', 'id', launch.id],
        ['missing', 'instanceId'],
      ]),

    /** The instance runs: money flows from here on. Refused when a session is open, or one of this start was, or of a later one. */
    openSession: (
      runner: RunnerRef & Pick<RunnerRecord, 'firstStartedAt'>,
      session: OpenSession,
      instanceType: string | undefined,
    ) => {
      const { firstStartedAt = session.startedAt } = runner;
      const set = { session, ...(instanceType && { instanceType }), busyMs: 0, firstStartedAt };
      return change(runner, { set }, [
        ['missing', 'session'],
        ['any', ['missing', 'lastSessionStartedAt'], ['<', 'lastSessionStartedAt', session.startedAt]],
      ]);
    },

    /** The event that tells from when on EC2 bills it came when the session was open. Refused when it is not the open one. */
    beginBilling: (ref: RunnerRef, session: OpenSession) =>
      change(ref, { set: { session } }, [['partIs', 'session', 'id', session.id]]),

    /** The instance stopped: that session is over. Refused when it is not the open one. */
    closeSession: (ref: RunnerRef, session: OpenSession, endedAt: Instant) =>
      change(
        ref,
        {
          set: {
            session: undefined,
            lastSessionStartedAt: session.startedAt,
            lastSessionEndedAt: endedAt,
          },
        },
        [['partIs', 'session', 'id', session.id]],
      ),
  };
};
