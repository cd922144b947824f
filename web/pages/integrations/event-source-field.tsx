/** Place of a value in an event: a header, or a JSON pointer into the body. */
import type { ReactNode } from 'react';
import type { IntegrationSource } from '../../../protocol/index.ts';
import { Select, TextField } from '../../ui/field.tsx';

export interface SourceDraft {
  readonly from: IntegrationSource['from'];
  /** Name of the header, or the pointer. */
  readonly at: string;
}

export const toSource = (source: IntegrationSource): SourceDraft =>
  source.from === 'header' ? { from: 'header', at: source.header } : { from: 'body', at: source.pointer };

export const fromSource = ({ from, at }: SourceDraft): IntegrationSource =>
  from === 'header' ? { from, header: at.trim() } : { from, pointer: at.trim() };

interface EventSourceFieldProps {
  readonly value: SourceDraft;
  readonly onChange: (change: Partial<SourceDraft>) => void;
  /** Error in the name or the pointer. */
  readonly error: string | undefined;
}

/** Two fields side by side. */
export const EventSourceField = ({ value, onChange, error }: EventSourceFieldProps): ReactNode => (
  <>
    <Select
      label="In"
      value={value.from}
      onChange={(from) => onChange({ from: from === 'header' ? 'header' : 'body' })}
      options={[
        { value: 'body', label: 'the body' },
        { value: 'header', label: 'a header' },
      ]}
      isRequired
    />
    <TextField
      label={value.from === 'header' ? 'Header' : 'JSON pointer'}
      placeholder={value.from === 'header' ? 'x-github-event' : '/repository/name'}
      value={value.at}
      onChange={(at) => onChange({ at })}
      error={error}
      isRequired
    />
  </>
);
