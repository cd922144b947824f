/** Runners of a project, and the global ones. */
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type Runner, runnerStatus } from '../../../protocol/index.ts';
import { tagChoices } from '../../data/choices.ts';
import { runnerPages } from '../../data/runners.ts';
import { useMay } from '../../data/session.ts';
import { useSpentToday } from '../../data/spent.ts';
import { ChoiceFilter, SearchFilter, SelectFilter } from '../../shared/filters.tsx';
import { Paged } from '../../shared/paged.tsx';
import { RunnerBadge, runnerStatusText } from '../../shared/runner-badge.tsx';
import { usePages } from '../../shared/use-pages.ts';
import { Tags } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Money } from '../../ui/money.tsx';
import { Page } from '../../ui/page.tsx';
import type { Column } from '../../ui/table/table.tsx';
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
    width: 'wide',
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
    width: 'narrow',
    render: ({ heartbeatAt }) =>
      heartbeatAt ? <Ago at={heartbeatAt} /> : <span className="quiet-text">never</span>,
  },
  {
    header: 'Agent',
    from: 'desktop',
    width: 'narrow',
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

interface Filters {
  readonly q?: string;
  readonly status?: string;
  readonly tag?: string;
}

interface RunnersProps {
  readonly projectId: string | undefined;
  readonly filters: Filters;
}

const Runners = ({ projectId, filters: { q, status, tag } }: RunnersProps): ReactNode => {
  const navigate = useNavigate();
  const query = { search: q, status, tag };
  const list = usePages(runnerPages(projectId, query));
  const spent = useSpentToday(projectId, query, list.onScreen);
  const runners = list.data ?? [];
  const isFiltered = [q, status, tag].some((value) => value !== undefined);
  const hasAny = runners.length > 0 || isFiltered;
  // Filters are in the address: they survive a reload and can be shared.
  const filter = (change: Filters) =>
    navigate({ to: '.', search: { q, status, tag, ...change }, replace: true });
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
      actions={hasAny && newRunner}
    >
      {hasAny && (
        <search className="filters">
          <SearchFilter
            label="Search runners"
            placeholder="Name or tag"
            value={q}
            onChange={(typed) => filter({ q: typed })}
          />
          <SelectFilter
            label="Status"
            value={status}
            onChange={(chosen) => filter({ status: chosen })}
            options={runnerStatus.options.map((value) => ({ value, label: runnerStatusText[value] }))}
          />
          {projectId && (
            <ChoiceFilter
              label="Tag"
              value={tag}
              onChange={(chosen) => filter({ tag: chosen })}
              choices={tagChoices(projectId)}
            />
          )}
        </search>
      )}
      <Paged
        list={list}
        one="runner"
        many="runners"
        isFiltered={isFiltered}
        empty={
          <Empty icon="runners" title="No runner yet" action={newRunner}>
            A runner is a machine with the agent on it: an EC2 instance that is woken for work, a container,
            or a machine of your own. {!isManager && 'Ask a manager of the project to add one.'}
          </Empty>
        }
        label="Runners"
        columns={() => columnsFor(projectId, spent)}
      />
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
  const filters = useSearch({ from: '/signed-in/projects/$projectId/runners' });
  return <Runners projectId={projectId} filters={filters} />;
};

export const GlobalRunnersPage = (): ReactNode => (
  <Runners projectId={undefined} filters={useSearch({ from: '/signed-in/runners' })} />
);
