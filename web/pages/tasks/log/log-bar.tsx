/** Controls of a log: search, how lines are shown, and the download. */
import type { ReactNode } from 'react';
import { IconButton } from '../../../ui/button.tsx';
import { Icon } from '../../../ui/icons.tsx';
import type { Search } from './use-search.ts';

interface ToggleProps {
  readonly text: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

export const Toggle = ({ text, isOn, onChange }: ToggleProps): ReactNode => (
  <button type="button" className="button small" aria-pressed={isOn} onClick={() => onChange(!isOn)}>
    {text}
  </button>
);

const SearchField = ({ search }: { readonly search: Search }): ReactNode => {
  const { text, setText, hits, hasHits, step } = search;
  return (
    <>
      <span className="log-search">
        <Icon name="search" />
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          value={text}
          onChange={({ target }) => setText(target.value)}
          onKeyDown={({ key, shiftKey }) => key === 'Enter' && step(shiftKey ? -1 : 1)}
        />
      </span>
      {text !== '' && (
        <>
          <span className="log-hits" role="status">
            {hits}
          </span>
          <IconButton icon="up" label="Previous line found" isDisabled={!hasHits} onPress={() => step(-1)} />
          <IconButton icon="down" label="Next line found" isDisabled={!hasHits} onPress={() => step(1)} />
        </>
      )}
    </>
  );
};

interface LogBarProps {
  readonly search: Search;
  /** Address of the whole log as a file. */
  readonly file: string;
  readonly children: ReactNode;
}

export const LogBar = ({ search, file, children }: LogBarProps): ReactNode => (
  <div className="log-bar" role="toolbar" aria-label="Log controls">
    <SearchField search={search} />
    <span className="log-space" />
    {children}
    <a className="button small" href={file} download>
      <Icon name="download" />
      Download
    </a>
  </div>
);
