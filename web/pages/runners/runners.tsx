/** Runners of a project, and the global ones. */
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Runner } from '../../../protocol/index.ts';
import { spentTodayQuery } from '../../data/dashboard.ts';
import { runnersQuery } from '../../data/queries.ts';
import { useMay } from '../../data/session.ts';
import { RunnerBadge, Tags } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Money } from '../../ui/money.tsx';
import { Page } from '../../ui/page.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Ago } from '../../ui/time.tsx';
import { NewRunner } from './new-runner.tsx';
import { RunnerActs } from './runner-acts.tsx';

const RunnerLink = ({ runner }: { readonly runner: Runner }): ReactNode =>
  runner.projectId ? (
    <Link
      to="/projects/$projectId/runners/$runnerId"
      params={{ projectId: runner.projectId, runnerId: runner.id }}
    >
      {runner.name}
    </Link>
  ) : (
    <Link to="/runners/$runnerId" params={{ runnerId: runner.id }}>
      {runner.name}
    </Link>
  );

type Spent = ReadonlyMap<string, number | undefined>;

const columnsFor = (projectId: string | undefined, spent: Spent | undefined): Column<Runner>[] => [
  { header: 'Name', render: (runner) => <RunnerLink runner={runner} /> },
  {
    header: 'State',
    render: (runner) => (
      <>
        <RunnerBadge runner={runner} />
        <span className="sub">
          <Ago at={runner.quarantinedAt ?? runner.statusSince} />
        </span>
        {runner.fault && <span className="sub">{runner.fault.detail}</span>}
      </>
    ),
  },
  ...(projectId
    ? [{ header: 'Tags', render: ({ tags }: Runner) => <Tags tags={tags} />, from: 'tablet' } as const]
    : []),
  {
    header: 'Instance',
    from: 'desktop',
    render: ({ instanceId, instanceType, market, region, webhookUrl, fleet }) =>
      instanceId ? (
        <>
          <span className="mono">{instanceId}</span>
          <span className="sub">
            {[instanceType, market, region ?? 'the stack’s region'].filter(Boolean).join(' · ')}
          </span>
        </>
      ) : (
        <span className="quiet-text">
          {fleet ? `none (fleet ${fleet})` : webhookUrl ? 'by webhook' : 'powered externally'}
        </span>
      ),
  },
  {
    header: 'Heartbeat',
    from: 'tablet',
    render: ({ heartbeatAt }) =>
      heartbeatAt ? <Ago at={heartbeatAt} /> : <span className="quiet-text">never</span>,
  },
  {
    header: 'Agent',
    from: 'desktop',
    render: ({ agentVersion }) => agentVersion ?? <span className="quiet-text">–</span>,
  },
  {
    header: 'Today',
    align: 'right',
    from: 'tablet',
    render: ({ id }) => <Money microUsd={spent?.get(id)} />,
  },
  {
    header: 'Actions',
    isHeaderHidden: true,
    align: 'right',
    render: (runner) => <RunnerActs runner={runner} projectId={projectId} />,
  },
];

const Runners = ({ projectId }: { readonly projectId: string | undefined }): ReactNode => {
  const { data: runners } = useSuspenseQuery(runnersQuery(projectId));
  const { data: spent } = useQuery(spentTodayQuery(projectId));
  const isManager = useMay(projectId, projectId ? 'manager' : 'admin');
  const [isAdding, setAdding] = useState(false);
  const newRunner = isManager && (
    <Button look="primary" icon="plus" onPress={() => setAdding(true)}>
      New runner
    </Button>
  );
  return (
    <Page
      title={projectId ? 'Runners' : 'Global runners'}
      lead={
        projectId
          ? 'The machines that run this project’s tasks. They sleep while there is no work for them.'
          : 'They take the untagged tasks of projects that have no untagged runner of their own.'
      }
      actions={runners.length > 0 && newRunner}
    >
      {runners.length === 0 ? (
        <Empty icon="runners" title="No runner yet" action={newRunner}>
          A runner is a machine with the agent on it: an EC2 instance that is woken for work, a container, or
          a machine of your own. {!isManager && 'Ask a manager of the project to add one.'}
        </Empty>
      ) : (
        <Table
          label="Runners"
          items={runners}
          columns={columnsFor(projectId, spent)}
          keyOf={({ id }) => id}
        />
      )}
      {isAdding && (
        <NewRunner
          projectId={projectId}
          knownTags={[...new Set(runners.flatMap(({ tags }) => tags))]}
          onClose={() => setAdding(false)}
        />
      )}
    </Page>
  );
};

export const RunnersPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/runners' });
  return <Runners projectId={projectId} />;
};

export const GlobalRunnersPage = (): ReactNode => <Runners projectId={undefined} />;
