/** What to do when the element that has the focus goes away, such as the button of something that is done. */
import { type RefObject, useEffect } from 'react';

/** As long as a dialog that closes may take to give the focus back. */
const settleMs = 100;

/**
 * Browsers drop the focus to the body then, so that whoever works by keyboard or screen reader starts at the top of the page.
 * They go on in `main` instead, unless somebody else has taken care by then.
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
