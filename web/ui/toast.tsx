/** Short messages about finished actions, read out by screen readers. */
import { type ReactNode, useSyncExternalStore } from 'react';
import { Icon } from './icons.tsx';

interface Toast {
  readonly id: number;
  readonly kind: 'ok' | 'bad';
  readonly text: string;
}

const shownMs = { ok: 4000, bad: 10_000 } as const;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();
const set = (next: readonly Toast[]) => {
  toasts = next;
  for (const listener of listeners) listener();
};

/** Shows a message at the edge of the window. */
export const say = (text: string, kind: Toast['kind'] = 'ok'): void => {
  lastId += 1;
  const id = lastId;
  set([...toasts, { id, kind, text }]);
  setTimeout(() => set(toasts.filter((toast) => toast.id !== id)), shownMs[kind]);
};

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Region of all toasts, mounted once at the root: it has to exist before the first message. */
export const Toasts = (): ReactNode => {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    // Above dialogs: React Aria hides everything outside a dialog from screen readers, except elements with
    // this attribute.
    <div className="toasts" role="status" aria-live="polite" data-react-aria-top-layer="">
      {shown.map(({ id, kind, text }) => (
        <div key={id} className={`toast ${kind}`}>
          <Icon name={kind === 'ok' ? 'check' : 'warning'} />
          {text}
        </div>
      ))}
    </div>
  );
};
