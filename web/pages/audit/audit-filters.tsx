/** Filters of the audit trail: person, kind, object and time. */
import type { ReactNode } from 'react';
import type { AuditQuery } from '../../../protocol/index.ts';
import { SelectFilter, TextFilter } from '../../shared/filters.tsx';
import { fromField, toField } from '../../shared/local-time.ts';
import { kindsIn, kindText } from './audit-object.tsx';

export type Filters = Pick<AuditQuery, 'actor' | 'kind' | 'object' | 'from' | 'to'>;

export const noFilters: Filters = {
  actor: undefined,
  kind: undefined,
  object: undefined,
  from: undefined,
  to: undefined,
};

export interface AuditFiltersProps {
  readonly projectId: string | undefined;
  readonly filters: Filters;
  readonly onFilter: (change: Filters) => void;
}

/** Last millisecond of the minute: the range includes the minute in its end field. */
const minuteEnd = (at: string | undefined): string | undefined => at?.replace(/00\.000Z$/, '59.999Z');

interface TimeFilterProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
}

const TimeFilter = ({ label, value, onChange }: TimeFilterProps): ReactNode => (
  <span className="filter">
    <span aria-hidden="true">{label}</span>
    <TextFilter
      label={label}
      type="datetime-local"
      max="9999-12-31T23:59"
      value={toField(value)}
      onChange={(text) => onChange(fromField(text ?? ''))}
    />
  </span>
);

export const AuditFilters = ({ projectId, filters, onFilter }: AuditFiltersProps): ReactNode => (
  <search className="filters">
    <TextFilter
      label="Person"
      placeholder="Person or runner"
      value={filters.actor}
      onChange={(actor) => onFilter({ actor })}
    />
    <SelectFilter
      label="Kind"
      value={filters.kind}
      onChange={(kind) => onFilter({ kind })}
      options={kindsIn(projectId)
        .map((value) => ({ value, label: kindText(value) }))
        .sort((a, b) => a.label.localeCompare(b.label))}
    />
    <TextFilter
      label="Object"
      placeholder="Object: name or id"
      value={filters.object}
      onChange={(object) => onFilter({ object })}
    />
    <TimeFilter label="From" value={filters.from} onChange={(from) => onFilter({ from })} />
    <TimeFilter label="To" value={filters.to} onChange={(to) => onFilter({ to: minuteEnd(to) })} />
  </search>
);
