/** Scrolls a log: follows its end, goes to the linked line, and shows a line that was searched for. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';

const lineHeight = 20;
const pageLines = 25;
/** Distance from the end that still counts as the end. */
const nearEndPixels = 40;

/** Index of the linked line: "#L12" is the 12th line, index 11. */
const linkedLine = (): number | undefined => {
  const number = Number(/^#L(\d+)$/.exec(location.hash)?.[1]);
  return number > 0 ? number - 1 : undefined;
};

interface ScrollOptions {
  readonly lineCount: number;
  /** Grows with each piece of log. */
  readonly version: number;
  readonly isLive: boolean;
  readonly isWrapped: boolean;
}

export const useScroll = ({ lineCount, version, isLive, isWrapped }: ScrollOptions) => {
  const [linked, setLinked] = useState(linkedLine);
  const [isFollowing, setFollowing] = useState(isLive && linked === undefined);
  const frame = useRef<HTMLElement>(null);
  const list = useVirtualizer({
    count: lineCount,
    getScrollElement: () => frame.current,
    estimateSize: () => lineHeight,
    overscan: pageLines,
    useFlushSync: false,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: each piece of log scrolls to the new end
  useEffect(() => {
    if (isFollowing && lineCount > 0) list.scrollToIndex(lineCount - 1, { align: 'end' });
  }, [isFollowing, version]);

  /** Scrolls to a line in the frame, and to the frame in the window: on a phone it may be off screen. */
  const scrollTo = (index: number) => {
    list.scrollToIndex(index, { align: 'center' });
    frame.current?.scrollIntoView({ block: 'nearest' });
  };

  const hasJumped = useRef(false);
  useEffect(() => {
    if (hasJumped.current || linked === undefined || lineCount <= linked) return;
    hasJumped.current = true;
    scrollTo(linked);
  });
  useEffect(() => {
    const jump = () => {
      hasJumped.current = false;
      setFollowing(false);
      setLinked(linkedLine());
    };
    addEventListener('hashchange', jump);
    return () => removeEventListener('hashchange', jump);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: heights are others when lines are wrapped
  useEffect(() => list.measure(), [isWrapped]);

  /**
   * Set until the match is scrolled into view horizontally. Its line is drawn only once the list has been
   * scrolled there.
   */
  const isToReveal = useRef(false);
  useEffect(() => {
    const mark = isToReveal.current && frame.current?.querySelector('.hit mark');
    if (!mark) return;
    isToReveal.current = false;
    mark.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  });

  return {
    frame,
    list,
    /** Height of all lines with room for one more, in pixels. */
    linesHeight: list.getTotalSize() + lineHeight,
    isFollowing,
    setFollowing,
    linked,
    /** Makes the address link to a line. */
    link: (index: number) => {
      setLinked(index);
      setFollowing(false);
      history.replaceState(history.state, '', `#L${index + 1}`);
    },
    /** Shows a line with a match. */
    reveal: (index: number) => {
      setFollowing(false);
      scrollTo(index);
      isToReveal.current = true;
    },
    onScroll: () => {
      const at = frame.current;
      if (!at) return;
      const isAtEnd = at.scrollHeight - at.scrollTop - at.clientHeight < nearEndPixels;
      if (isFollowing && !isAtEnd && !list.isScrolling) setFollowing(false);
    },
  };
};
