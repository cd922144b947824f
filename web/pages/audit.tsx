/** Who changed what, and what used secrets. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { AuditEvent } from '../../protocol/index.ts';
import { messageOf } from '../client/problem-text.ts';
import { auditQuery } from '../client/queries.ts';
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

const what = ({ target, secrets }: AuditEvent): ReactNode => (
  <>
    <span className="mono break">{target.replace(/^\/api\//, '')}</span>
    {secrets && <span className="sub">secrets of {secrets.join(', ')}</span>}
  </>
);

const Audit = ({ projectId }: { readonly projectId: string | undefined }): ReactNode => {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    auditQuery(projectId),
  );
  const events = data?.pages.flatMap(({ items }) => items) ?? [];
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
              render: ({ operation, actor }) => (
                <>
                  {words(operation)}
                  <span className="sub">{actor.name}</span>
                </>
              ),
            },
            { header: 'On', from: 'tablet', render: what },
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
