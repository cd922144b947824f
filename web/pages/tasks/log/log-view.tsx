/**
 * Log of a task: live, coloured and searchable. Stays fast with hundreds of thousands of lines because only
 * visible ones are drawn.
 */
import { type CSSProperties, type ReactNode, type Ref, useState } from 'react';
import { targetOf } from '../../../../protocol/endpoints/call.ts';
import { downloadLog } from '../../../../protocol/endpoints/tasks.ts';
import { LogBar, Toggle } from './log-bar.tsx';
import type { LogLine } from './log-lines.ts';
import { LogText } from './log-text.tsx';
import { useLog } from './use-log.ts';
import { useScroll } from './use-scroll.ts';
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

/** Sets a custom property, which React's types don't know. */
const frameStyle = (linesHeight: number): CSSProperties =>
  ({ '--lines-height': `${linesHeight}px` }) as CSSProperties;

export const LogView = ({ projectId, taskId, attempt, hasBegun, isLive }: LogViewProps): ReactNode => {
  const { lines, version, isComplete, error } = useLog(projectId, taskId, attempt, hasBegun);
  const [isWrapped, setWrapped] = useState(false);
  const [hasTimes, setTimes] = useState(false);
  const scroll = useScroll({ lineCount: lines.length, version, isLive, isWrapped });
  const { frame, list, isFollowing, setFollowing } = scroll;
  const search = useSearch(lines, version, scroll.reveal);
  const file = targetOf(downloadLog, { params: { projectId, taskId }, query: { attempt } });
  return (
    <section className="log" aria-label="Log">
      <LogBar search={search} file={file}>
        <Toggle text="Follow" isOn={isFollowing} onChange={setFollowing} />
        <Toggle text="Times" isOn={hasTimes} onChange={setTimes} />
        <Toggle text="Wrap" isOn={isWrapped} onChange={setWrapped} />
      </LogBar>
      <section
        ref={frame}
        className={`log-frame${isWrapped ? ' wrapped' : ''}`}
        aria-label="Output of the task"
        // The frame scrolls, so the keyboard has to reach it.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: as WCAG 2.1.1 asks of what scrolls
        tabIndex={0}
        style={frameStyle(scroll.linesHeight)}
        onScroll={scroll.onScroll}
        onWheel={({ deltaY }) => deltaY < 0 && setFollowing(false)}
      >
        <div className="log-lines" style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const line = lines[index];
            return (
              line && (
                <Line
                  key={index}
                  ref={isWrapped ? list.measureElement : undefined}
                  line={line}
                  index={index}
                  start={start}
                  look={`${index === scroll.linked ? ' linked' : ''}${index === search.shownLine ? ' hit' : ''}`}
                  hasTime={hasTimes}
                  wanted={search.wanted}
                  onLink={() => scroll.link(index)}
                />
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

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
});

interface LineProps {
  /** Measures the height of the line. */
  readonly ref: Ref<HTMLDivElement> | undefined;
  readonly line: LogLine;
  readonly index: number;
  /** Distance from the first line, in pixels. */
  readonly start: number;
  /** Classes of a linked line and of a match. */
  readonly look: string;
  readonly hasTime: boolean;
  readonly wanted: string;
  readonly onLink: () => void;
}

const Line = ({ ref, line, index, start, look, hasTime, wanted, onLink }: LineProps): ReactNode => (
  <div
    data-index={index}
    ref={ref}
    className={`log-line ${line.stream}${look}`}
    style={{ transform: `translateY(${start}px)` }}
  >
    <a
      className="log-number"
      href={`#L${index + 1}`}
      aria-label={`Link to line ${index + 1}`}
      onClick={(event) => {
        event.preventDefault();
        onLink();
      }}
    >
      {index + 1}
    </a>
    {hasTime && (
      <time className="log-time" dateTime={line.at} title={line.at}>
        {clock.format(new Date(line.at))}
      </time>
    )}
    <span className="log-text">
      <LogText line={line} wanted={wanted} />
    </span>
  </div>
);
