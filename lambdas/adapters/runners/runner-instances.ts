/** Instance of a runner: its binding, launches, and sessions, which cost money. */
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

/** Instance that a fleet launched for a runner. */
export interface LaunchedInstance extends Pick<RunnerRecord, 'instanceType' | 'market'> {
  readonly instanceId: string;
  readonly region: string;
}

/** Events of a gone instance may arrive for a while. */
const unboundKeptSeconds = 86_400;

const binding = z.object({ pool: z.string(), runnerId });

export const runnerInstances = (table: Table, runners: Records<RunnerRecord>, change: ChangeRunner) => {
  const bindings = recordsOf(table, binding);
  /** Binds an instance to one runner. Takes over a binding whose runner is gone or has another instance. */
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

    /** Removes the binding of a gone instance. */
    unbind: async (instanceId: string, now: Instant): Promise<void> => {
      const expiresAt = Math.ceil(epochMs(now) / 1000) + unboundKeptSeconds;
      await table.update(keys.instance(instanceId), { set: { expiresAt } }, [['exists', 'pk']]);
    },

    /** Records that a launch begins. Refused when one is recorded, or the runner has an instance. */
    beginLaunch: (ref: RunnerRef, launch: Launch) =>
      change(ref, { set: { launch } }, [
        ['=', 'status', 'starting'],
        ['missing', 'launch'],
        ['missing', 'instanceId'],
      ]),

    /** Ends a launch without an instance. */
    endLaunch: (ref: RunnerRef, launch: Launch) =>
      change(ref, { set: { launch: undefined } }, [['partIs', 'launch', 'id', launch.id]]),

    /** Ends a launch with its instance. Refused when the launch is over. */
    takeInstance: (ref: RunnerRef, launch: Launch, launched: LaunchedInstance) =>
      change(ref, { set: { ...launched, launch: undefined, fault: undefined } }, [
        ['partIs', 'launch', 'id', launch.id],
        ['missing', 'instanceId'],
      ]),

    /**
     * Opens a session: the instance runs and costs money from now on. Refused when one is open, or one of
     * this or a later start was, or when the runner has lost that instance: the call is late then.
     */
    openSession: (
      runner: RunnerRef & Pick<RunnerRecord, 'firstStartedAt' | 'instanceId'>,
      session: OpenSession,
      instanceType: string | undefined,
    ) => {
      const { firstStartedAt = session.startedAt } = runner;
      const set = { session, ...(instanceType && { instanceType }), busyMs: 0, firstStartedAt };
      const { instanceId } = runner;
      return change(runner, { set }, [
        instanceId === undefined ? ['missing', 'instanceId'] : ['=', 'instanceId', instanceId],
        ['missing', 'session'],
        ['any', ['missing', 'lastSessionStartedAt'], ['<', 'lastSessionStartedAt', session.startedAt]],
      ]);
    },

    /**
     * Records when EC2's billing began, which is known after the session opened. Refused when another session
     * is open.
     */
    beginBilling: (ref: RunnerRef, session: OpenSession) =>
      change(ref, { set: { session } }, [['partIs', 'session', 'id', session.id]]),

    /** Closes the session of a stopped instance. Refused when another session is open. */
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
