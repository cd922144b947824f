/**
 * Keeps the focus on the page when the focused element is removed, such as the button of a finished action.
 */
import { type RefObject, useEffect } from 'react';

/** Longest time that a closing dialog takes to return the focus. */
const settleMs = 100;

/**
 * Moves the focus to `main` unless something else has taken it by then. Browsers would drop it to the body,
 * and users of a keyboard or screen reader would start at the top of the page again.
 */
export const useKeptFocus = (main: RefObject<HTMLElement | null>): void => {
  useEffect(() => {
    let last: Element | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const remember = ({ target }: FocusEvent) => {
      last = target instanceof Element ? target : undefined;
    };
    const isLost = () => last !== undefined && !last.isConnected && document.activeElement === document.body;
    const rescue = () => {
      timer = undefined;
      if (!isLost() || main.current?.closest('[inert], [aria-hidden="true"]')) return;
      main.current?.focus({ preventScroll: true });
    };
    const observer = new MutationObserver(() => {
      if (timer === undefined && isLost()) timer = setTimeout(rescue, settleMs);
    });
    document.addEventListener('focusin', remember);
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener('focusin', remember);
      observer.disconnect();
      clearTimeout(timer);
    };
  }, [main]);
};
