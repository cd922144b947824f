/** Audit trail: who changed something, and who used secrets. */
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type AuditEvent, readTarget } from '../../../protocol/index.ts';
import { auditPages } from '../../data/audit.ts';
import { ownTimeZone } from '../../shared/local-time.ts';
import { Paged } from '../../shared/paged.tsx';
import { usePages } from '../../shared/use-pages.ts';
import { Button } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Page } from '../../ui/page.tsx';
import { Moment } from '../../ui/time.tsx';
import { Changes, ChangesToggle } from './audit-changes.tsx';
import { AuditExport } from './audit-export.tsx';
import { AuditFilters, type AuditFiltersProps, type Filters, noFilters } from './audit-filters.tsx';
import { useNames } from './audit-names.ts';
import { AuditObject } from './audit-object.tsx';

/** Converts "createProjectRunner" to "Create project runner". */
const words = (operation: string): string => {
  const apart = operation.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
};

const Audit = ({ projectId, filters, onFilter }: AuditFiltersProps): ReactNode => {
  const list = usePages(auditPages(projectId, filters));
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const names = useNames(
    projectId,
    (list.data ?? []).flatMap(({ object, target }) => (object ? [] : [readTarget(target)])),
  );
  const object = (event: AuditEvent) => <AuditObject event={event} projectId={projectId} names={names} />;
  const toggle = (id: string) =>
    setOpened(
      (before) => new Set(before.has(id) ? [...before].filter((one) => one !== id) : [...before, id]),
    );
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const clear = isFiltered && (
    <Button small look="quiet" icon="cross" onPress={() => onFilter(noFilters)}>
      Clear filters
    </Button>
  );
  return (
    <Page
      title="Audit trail"
      lead={
        projectId
          ? 'Each change in this project, and each use of its secrets, newest first.'
          : 'Sign-ins, and the changes that are in no project, newest first.'
      }
    >
      <AuditFilters projectId={projectId} filters={filters} onFilter={onFilter} />
      <div className="row spread">
        <div className="row">
          <p className="hint">Times are in {ownTimeZone()}.</p>
          {clear}
        </div>
        <AuditExport projectId={projectId} filters={filters} />
      </div>
      <Paged
        list={list}
        one="event"
        many="events"
        isFiltered={isFiltered}
        empty={
          <Empty icon="audit" title="Nothing happened yet">
            Changes, sign-ins and uses of secrets are recorded here.
          </Empty>
        }
        label="Audit trail"
        columns={() => [
          {
            header: 'What',
            render: (event) => (
              <>
                {words(event.operation)}
                <span className="sub on-phone">{object(event)}</span>
                <span className="sub">by {event.actor.name}</span>
                <ChangesToggle
                  event={event}
                  isOpen={opened.has(event.id)}
                  onToggle={() => toggle(event.id)}
                />
              </>
            ),
          },
          { header: 'On', from: 'tablet', render: object },
          { header: 'Address', from: 'desktop', render: ({ source }) => source ?? '–' },
          { header: 'When', render: ({ at }) => <Moment at={at} /> },
        ]}
        detailOf={(event) => opened.has(event.id) && <Changes event={event} />}
      />
    </Page>
  );
};

/** The filters alone: the address may hold more, which the API would refuse. */
const filtersIn = ({ actor, kind, object, from, to }: Filters): Filters => ({
  actor,
  kind,
  object,
  from,
  to,
});

const projectRoute = '/signed-in/projects/$projectId/audit';

export const AuditPage = (): ReactNode => {
  const { projectId } = useParams({ from: projectRoute });
  const navigate = useNavigate({ from: '/projects/$projectId/audit' });
  return (
    <Audit
      key={projectId}
      projectId={projectId}
      filters={filtersIn(useSearch({ from: projectRoute }))}
      onFilter={(change) => navigate({ search: (before) => ({ ...before, ...change }), replace: true })}
    />
  );
};

export const StackAuditPage = (): ReactNode => {
  const navigate = useNavigate({ from: '/audit' });
  return (
    <Audit
      projectId={undefined}
      filters={filtersIn(useSearch({ from: '/signed-in/audit' }))}
      onFilter={(change) => navigate({ search: (before) => ({ ...before, ...change }), replace: true })}
    />
  );
};
