/** The filters of the audit trail: person, kind, object and time. */
import type { ReactNode } from 'react';
import type { AuditQuery } from '../../protocol/index.ts';
import { kindsIn, kindText } from './audit-object.tsx';
import { SelectFilter, TextFilter } from './filters.tsx';
import { fromField, toField } from './local-time.ts';

type Filters = Pick<AuditQuery, 'actor' | 'kind' | 'object' | 'from' | 'to'>;

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

/** The last millisecond of the minute, so that a field's minute is part of the time that it ends. */
const minuteEnd = (at: string | undefined): string | undefined => at?.replace(/00\.000Z$/, '59.999Z');

export const AuditFilters = ({ projectId, filters, onFilter }: AuditFiltersProps): ReactNode => {
  const kinds = new Set([...kindsIn(projectId), ...(filters.kind === undefined ? [] : [filters.kind])]);
  return (
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
        options={[...kinds]
          .map((value) => ({ value, label: kindText(value) }))
          .sort((a, b) => a.label.localeCompare(b.label))}
      />
      <TextFilter
        label="Object"
        placeholder="Object: name or id"
        value={filters.object}
        onChange={(object) => onFilter({ object })}
      />
      <span className="filter">
        <span aria-hidden="true">From</span>
        <TextFilter
          label="From"
          type="datetime-local"
          max="9999-12-31T23:59"
          value={toField(filters.from)}
          onChange={(text) => onFilter({ from: fromField(text ?? '') })}
        />
      </span>
      <span className="filter">
        <span aria-hidden="true">To</span>
        <TextFilter
          label="To"
          type="datetime-local"
          max="9999-12-31T23:59"
          value={toField(filters.to)}
          onChange={(text) => onFilter({ to: minuteEnd(fromField(text ?? '')) })}
        />
      </span>
    </search>
  );
};
