/**
 * Runs of Lambda functions. Each call takes time and may fail, and the run may stop before or after any of
 * them.
 */
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Error of a run that stopped between two lines, or reached its timeout. */
export class FunctionDied extends Error {
  override readonly name = 'FunctionDied';
}

/** Failure of AWS or the network; the effect may have happened. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

export interface Run {
  readonly functionName: string;
  /**
   * Makes one call to a service. `effect` happens at one instant, not at all, or twice after a retry by the
   * client.
   */
  call<T>(operation: string, effect: () => T): Promise<T>;
  sleep(ms: number): Promise<void>;
}

export type Invoke = <T>(
  functionName: string,
  timeoutMs: number,
  body: (run: Run) => Promise<T>,
) => Promise<T>;

/** Promise for a dead run, which never settles. */
const never = <T>(): Promise<T> => new Promise(() => {});

export const createInvoker =
  (time: VirtualTime, chance: Chance, faults: Faults, trace: (line: string) => void): Invoke =>
  (functionName, timeoutMs, body) =>
    new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        callOff();
        settle();
      };
      const die = (why: string) =>
        end(() => {
          trace(`${functionName} ${why}`);
          reject(new FunctionDied(`${functionName} ${why}`));
        });
      const callOff = time.after(timeoutMs, () => die('had no more time'));

      const latencyMs = () => (faults.hit('call slow') ? chance.between(500, 6000) : chance.between(1, 15));
      const sleep = async (ms: number) => {
        await time.sleep(ms);
        if (isOver) await never();
      };
      const call: Run['call'] = async (operation, effect) => {
        await sleep(latencyMs());
        if (faults.hit('call failed before it was done')) throw new CallFailed(`${operation} failed`);
        const crashes = faults.hit('function crashed');
        const crashesBefore = crashes && chance.happens(0.5);
        if (crashesBefore) {
          die(`crashed before ${operation}`);
          return never();
        }
        let result = effect();
        if (faults.hit('call done twice by a retry')) {
          await sleep(latencyMs());
          result = effect();
        }
        if (crashes) {
          die(`crashed after ${operation}`);
          return never();
        }
        if (faults.hit('call failed after it was done')) throw new CallFailed(`${operation} had no answer`);
        await sleep(chance.between(1, 10));
        return result;
      };

      const startMs = faults.hit('function slow to start') ? chance.between(300, 3000) : chance.between(1, 8);
      time.after(startMs, () => {
        if (isOver) return;
        body({ functionName, call, sleep }).then(
          (result) => end(() => resolve(result)),
          (error: unknown) => end(() => reject(error)),
        );
      });
    });
