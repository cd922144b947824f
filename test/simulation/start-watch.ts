/** Checks that no start of a runner that is `starting` waits long for a batch. */
import type { Item, Key } from '../../lambdas/adapters/table.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Options {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  readonly read: (key: Key) => Item | undefined;
  /** Maximum time that a start may wait. */
  readonly boundMs: number;
}

export const createStartWatch = ({ time, violate, read, boundMs }: Options) => ({
  onWrite: (key: Key, after: Item | undefined) => {
    if (!key.pk.startsWith('starts#') || after === undefined) return;
    time.after(boundMs, () => {
      const [pk = '', sk = ''] = key.sk.split('/');
      if (read(key)?.request !== after.request || read({ pk, sk })?.status !== 'starting') return;
      violate(`the start of ${sk.slice(-4)} has waited for a batch for ${Math.round(boundMs / 1000)} s`);
    });
  },
});
