/**
 * Log of a task: live, coloured and searchable. Stays fast with hundreds of thousands of lines because only
 * visible ones are drawn.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type ReactNode, useEffect, useRef, useState } from 'react';
import { targetOf } from '../../../../protocol/endpoints/call.ts';
import { downloadLog } from '../../../../protocol/endpoints/tasks.ts';
import { IconButton } from '../../../ui/button.tsx';
import { Icon } from '../../../ui/icons.tsx';
import type { LogLine } from './log-lines.ts';
import { LogText } from './log-text.tsx';
import { useLog } from './use-log.ts';
import { useSearch } from './use-search.ts';

interface LogViewProps {
  readonly projectId: string;
  readonly taskId: string;
  readonly attempt: number;
  /** True once a runner has taken the attempt. Before, it has no output. */
  readonly hasBegun: boolean;
  /** True while new output is expected. */
  readonly isLive: boolean;
}

const lineHeight = 20;
const pageLines = 25;
const noHit = -1;
/** Distance from the end that still counts as the end. */
const nearEndPixels = 40;

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
});

/** Sets a custom property, which React's types don't know. */
const frameStyle = (linesHeight: number): CSSProperties =>
  ({ '--lines-height': `${linesHeight + lineHeight}px` }) as CSSProperties;

const hitsText = (count: number, shown: number): string => {
  if (count === 0) return 'Not found';
  const lines = `${count} ${count === 1 ? 'line' : 'lines'}`;
  return shown === noHit ? `Found on ${lines}` : `${shown + 1} of ${lines}`;
};

/** Index of the linked line: "#L12" is the 12th line, index 11. */
const linkedLine = (): number | undefined => {
  const number = Number(/^#L(\d+)$/.exec(location.hash)?.[1]);
  return number > 0 ? number - 1 : undefined;
};

const Toggle = ({
  text,
  isOn,
  onChange,
}: {
  readonly text: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}): ReactNode => (
  <button type="button" className="button small" aria-pressed={isOn} onClick={() => onChange(!isOn)}>
    {text}
  </button>
);

export const LogView = ({ projectId, taskId, attempt, hasBegun, isLive }: LogViewProps): ReactNode => {
  const { lines, version, isComplete, error } = useLog(projectId, taskId, attempt, hasBegun);
  const [linked, setLinked] = useState(linkedLine);
  const [isFollowing, setFollowing] = useState(isLive && linked === undefined);
  const [isWrapped, setWrapped] = useState(false);
  const [hasTimes, setTimes] = useState(false);
  const [search, setSearch] = useState('');
  const wanted = search.toLowerCase();
  const found = useSearch(lines, version, wanted);
  /** Position among the matches; none before the first one was requested. */
  const [shownHit, setShownHit] = useState(noHit);
  const frame = useRef<HTMLElement>(null);
  const list = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => lineHeight,
    overscan: pageLines,
    useFlushSync: false,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: each piece of log scrolls to the new end
  useEffect(() => {
    if (isFollowing && lines.length > 0) list.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [isFollowing, version]);

  /** Scrolls to a line in the frame, and to the frame in the window: on a phone it may be off screen. */
  const scrollTo = (index: number) => {
    list.scrollToIndex(index, { align: 'center' });
    frame.current?.scrollIntoView({ block: 'nearest' });
  };

  const hasJumped = useRef(false);
  useEffect(() => {
    if (hasJumped.current || linked === undefined || lines.length <= linked) return;
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

  const show = (hit: number) => {
    const index = found[hit];
    if (index === undefined) return;
    setShownHit(hit);
    setFollowing(false);
    scrollTo(index);
    isToReveal.current = true;
  };
  const step = (by: 1 | -1) =>
    show(shownHit === noHit && by < 0 ? found.length - 1 : (shownHit + by + found.length) % found.length);

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

  const link = (index: number) => {
    setLinked(index);
    setFollowing(false);
    history.replaceState(history.state, '', `#L${index + 1}`);
  };

  const onScroll = () => {
    const at = frame.current;
    if (!at) return;
    const isAtEnd = at.scrollHeight - at.scrollTop - at.clientHeight < nearEndPixels;
    if (isFollowing && !isAtEnd && !list.isScrolling) setFollowing(false);
  };

  return (
    <section className="log" aria-label="Log">
      <div className="log-bar" role="toolbar" aria-label="Log">
        <span className="log-search">
          <Icon name="search" />
          <input
            type="search"
            aria-label="Search the log"
            placeholder="Search the log"
            value={search}
            onChange={({ target }) => {
              setSearch(target.value);
              setShownHit(noHit);
            }}
            onKeyDown={({ key, shiftKey }) => key === 'Enter' && found.length > 0 && step(shiftKey ? -1 : 1)}
          />
        </span>
        {wanted !== '' && (
          <>
            <span className="log-hits" role="status">
              {hitsText(found.length, shownHit)}
            </span>
            <IconButton
              icon="up"
              label="Previous line found"
              isDisabled={found.length === 0}
              onPress={() => step(-1)}
            />
            <IconButton
              icon="down"
              label="Next line found"
              isDisabled={found.length === 0}
              onPress={() => step(1)}
            />
          </>
        )}
        <span className="log-space" />
        <Toggle text="Follow" isOn={isFollowing} onChange={setFollowing} />
        <Toggle text="Times" isOn={hasTimes} onChange={setTimes} />
        <Toggle text="Wrap" isOn={isWrapped} onChange={setWrapped} />
        <a
          className="button small"
          href={targetOf(downloadLog, { params: { projectId, taskId }, query: { attempt } })}
          download
        >
          <Icon name="download" />
          Download
        </a>
      </div>
      <section
        ref={frame}
        className={`log-frame${isWrapped ? ' wrapped' : ''}`}
        aria-label="Output of the task"
        // The frame scrolls, so the keyboard has to reach it.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: as WCAG 2.1.1 asks of what scrolls
        tabIndex={0}
        style={frameStyle(list.getTotalSize())}
        onScroll={onScroll}
        onWheel={({ deltaY }) => deltaY < 0 && setFollowing(false)}
      >
        <div className="log-lines" style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const line = lines[index];
            return (
              line && (
                <div
                  key={index}
                  data-index={index}
                  ref={isWrapped ? list.measureElement : undefined}
                  className={`log-line ${line.stream}${index === linked ? ' linked' : ''}${
                    index === found[shownHit] ? ' hit' : ''
                  }`}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <a
                    className="log-number"
                    href={`#L${index + 1}`}
                    aria-label={`Link to line ${index + 1}`}
                    onClick={(event) => {
                      event.preventDefault();
                      link(index);
                    }}
                  >
                    {index + 1}
                  </a>
                  {hasTimes && <Time line={line} />}
                  <span className="log-text">
                    <LogText line={line} wanted={wanted} />
                  </span>
                </div>
              )
            );
          })}
        </div>
      </section>
      <p className="log-foot">
        {error ??
          (hasBegun ? (
            <>
              {lines.length.toLocaleString()} {lines.length === 1 ? 'line' : 'lines'}
              {!isComplete && (isLive ? ', more to come' : ', loading')}
            </>
          ) : (
            'No output yet: no runner has taken the task.'
          ))}
      </p>
    </section>
  );
};

const Time = ({ line }: { readonly line: LogLine }): ReactNode => (
  <time className="log-time" dateTime={line.at} title={line.at}>
    {clock.format(new Date(line.at))}
  </time>
);
