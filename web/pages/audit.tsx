/** Who changed what, and what used secrets. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type AuditEvent, readTarget } from '../../protocol/index.ts';
import { messageOf } from '../client/problem-text.ts';
import { auditQuery } from '../client/queries.ts';
import { useNames } from '../parts/audit-target.ts';
import { Loading } from '../shell/loading.tsx';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { Moment } from '../ui/time.tsx';

/** "createProjectRunner" as "Create project runner". */
const words = (operation: string): string => {
  const apart = operation.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
};

interface OnProps {
  readonly event: AuditEvent;
  readonly projectId: string | undefined;
  /** Undefined: on their way. */
  readonly names: ReadonlyMap<string, string> | undefined;
}

/** What it was done to: a link where that has a page, else its name, and the path of what is gone or has no name. */
const On = ({ event: { target, secrets }, projectId, names }: OnProps): ReactNode => {
  const { kind, id, path } = readTarget(target);
  const name = id === undefined ? undefined : names?.get(id);
  const thing =
    projectId && kind === 'tasks' && id ? (
      <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId: id }} search={{}}>
        {id}
      </Link>
    ) : (
      (name ?? (names && <span className="mono break">{path}</span>))
    );
  return (
    <>
      {thing}
      {secrets && <span className="sub">secrets of {secrets.join(', ')}</span>}
    </>
  );
};

const Audit = ({ projectId }: { readonly projectId: string | undefined }): ReactNode => {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    auditQuery(projectId),
  );
  const events = data?.pages.flatMap(({ items }) => items) ?? [];
  const names = useNames(
    projectId,
    events.map(({ target }) => readTarget(target)),
  );
  const on = (event: AuditEvent) => <On event={event} projectId={projectId} names={names} />;
  return (
    <Page
      title="Audit trail"
      lead={
        projectId
          ? 'Each change in this project, and each use of its secrets, newest first.'
          : 'Sign-ins, and the changes that are in no project, newest first.'
      }
    >
      {error && <Notice kind="bad">{messageOf(error)}</Notice>}
      {!data && !error && <Loading />}
      {data && events.length === 0 && (
        <Empty icon="audit" title="Nothing happened yet">
          Changes, sign-ins and uses of secrets are written down here.
        </Empty>
      )}
      {events.length > 0 && (
        <Table
          label="Audit trail"
          items={events}
          keyOf={({ id }) => id}
          columns={[
            {
              header: 'What',
              render: (event) => (
                <>
                  {words(event.operation)}
                  <span className="sub on-phone">{on(event)}</span>
                  <span className="sub">by {event.actor.name}</span>
                </>
              ),
            },
            { header: 'On', from: 'tablet', render: on },
            { header: 'From', from: 'desktop', render: ({ source }) => source ?? '–' },
            { header: 'When', render: ({ at }) => <Moment at={at} /> },
          ]}
        />
      )}
      {hasNextPage && (
        <div className="table-foot">
          <Button onPress={() => fetchNextPage()} isPending={isFetchingNextPage}>
            Show older events
          </Button>
        </div>
      )}
    </Page>
  );
};

export const AuditPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/audit' });
  return <Audit projectId={projectId} />;
};

export const StackAuditPage = (): ReactNode => <Audit projectId={undefined} />;
