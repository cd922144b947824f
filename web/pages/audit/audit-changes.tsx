/** Changes of an audit event, field by field, each with the old and the new value. */
import { Fragment, type ReactNode } from 'react';
import type { AuditEvent } from '../../../protocol/index.ts';
import { Button } from '../../ui/button.tsx';

const Value = ({ text }: { readonly text: string | undefined }): ReactNode =>
  text === undefined || text === '' ? (
    <span className="quiet-text">{text === undefined ? 'not set' : 'empty'}</span>
  ) : (
    <span className="mono value">{text}</span>
  );

const listId = (event: AuditEvent): string => `changes-${event.id}`;

interface ToggleProps {
  readonly event: AuditEvent;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

/** Button that opens the list of changes and shows their number. Hidden when no field changed. */
export const ChangesToggle = ({ event, isOpen, onToggle }: ToggleProps): ReactNode => {
  const { changes, moreChanges = 0 } = event;
  if (!changes) return null;
  const count = changes.length + moreChanges;
  if (count === 0) return <span className="sub">no field changed</span>;
  return (
    <span className="sub">
      <Button
        small
        look="quiet"
        icon={isOpen ? 'down' : 'right'}
        aria-expanded={isOpen}
        aria-controls={isOpen ? listId(event) : undefined}
        onPress={onToggle}
      >
        {count} {count === 1 ? 'change' : 'changes'}
      </Button>
    </span>
  );
};

export const Changes = ({ event }: { readonly event: AuditEvent }): ReactNode => {
  const { changes = [], moreChanges } = event;
  return (
    <div id={listId(event)}>
      <dl className="facts changes">
        {changes.map(({ field, from, to, isSecret }) => (
          <Fragment key={field}>
            <dt className="mono">{field}</dt>
            <dd>
              {isSecret ? (
                'changed'
              ) : (
                <>
                  <Value text={from} /> <span aria-hidden="true">→</span>
                  <span className="only-heard"> to </span> <Value text={to} />
                </>
              )}
            </dd>
          </Fragment>
        ))}
      </dl>
      {moreChanges !== undefined && (
        <p className="hint">
          {moreChanges} more {moreChanges === 1 ? 'field' : 'fields'} changed: the trail has no room for them.
        </p>
      )}
    </div>
  );
};
