/** Costs and savings of each project, side by side, for users who may see several. */
import { useQueries, useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Project } from '../../../protocol/index.ts';
import { costHistoryQuery } from '../../data/dashboard.ts';
import { projectsQuery } from '../../data/projects.ts';
import { Button } from '../../ui/button.tsx';
import { costColumns } from '../../ui/cost-columns.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Page } from '../../ui/page.tsx';
import { type Column, Table } from '../../ui/table/table.tsx';
import {
  addCosts,
  CostFigures,
  type CostTotals,
  noCosts,
  shareSaved,
  totalsOf,
  useCostWindow,
} from './cost-window.tsx';
import { UnpricedNotice } from './unpriced-notice.tsx';

/** Projects shown at first. Each is a request, and nobody compares hundreds at a glance. */
const shownAtFirst = 20;

interface Row {
  readonly project: Project;
  /** Undefined while loading. */
  readonly costs: CostTotals | undefined;
}

const columns: Column<Row>[] = [
  {
    header: 'Project',
    render: ({ project: { id, name } }) => (
      <Link to="/projects/$projectId/costs" params={{ projectId: id }}>
        {name}
      </Link>
    ),
  },
  { header: 'Tasks', align: 'right', from: 'tablet', render: ({ costs }) => costs?.tasks ?? '–' },
  ...costColumns<Row>(({ costs }) => costs),
  {
    header: 'Share saved',
    align: 'right',
    from: 'tablet',
    render: ({ costs }) => (costs && shareSaved(costs)) || '–',
  },
];

export const ProjectCostsPage = (): ReactNode => {
  const { data: projects } = useSuspenseQuery(projectsQuery);
  const { from, picker } = useCostWindow();
  const [count, setCount] = useState(shownAtFirst);
  const shown = projects.slice(0, count);
  const answers = useQueries({ queries: shown.map(({ id }) => costHistoryQuery(id, from)) });
  const rows: Row[] = shown.map((project, index) => {
    const data = answers[index]?.data;
    return { project, costs: data && totalsOf(data) };
  });
  const known = rows.flatMap(({ costs }) => costs ?? []);
  const total = known.reduce(addCosts, noCosts);
  const sum = {
    data: answers.some(({ isPending }) => isPending) ? undefined : total,
    error: answers.find(({ error }) => error)?.error,
  };
  const isPartial = answers.some(({ data }) => data?.isPartial);
  return (
    <Page
      title="Costs of all projects"
      lead="Costs of each project, compared with the same instances always on."
      actions={picker}
    >
      {isPartial && (
        <Notice kind="info">Some projects have too many tasks to read at once: only the newest count.</Notice>
      )}
      {projects.length === 0 ? (
        <Empty icon="costs" title="No project yet">
          Costs of your projects appear here side by side.
        </Empty>
      ) : (
        <>
          <UnpricedNotice unpriced={answers.flatMap(({ data }) => data?.unpriced ?? [])} />
          <Loaded query={sum}>{(costs) => <CostFigures costs={costs} />}</Loaded>
          <Table
            label="Costs by project"
            items={[...rows].sort((a, b) => (b.costs?.spent ?? 0) - (a.costs?.spent ?? 0))}
            columns={columns}
            keyOf={({ project }) => project.id}
          />
        </>
      )}
      {count < projects.length && (
        <div className="table-foot">
          <Button onPress={() => setCount(count + shownAtFirst)}>Show more projects</Button>
        </div>
      )}
    </Page>
  );
};
