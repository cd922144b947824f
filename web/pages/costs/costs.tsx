/** Costs: the amount spent, the cost of machines that never sleep, and the cost with other idle timeouts. */
import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { CostHistory } from '../../../protocol/index.ts';
import { costHistoryQuery } from '../../data/dashboard.ts';
import { costColumns } from '../../ui/cost-columns.tsx';
import { Empty } from '../../ui/empty.tsx';
import { formatMoney, roughMoney } from '../../ui/money.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { isTooEarly } from '../../ui/saving.ts';
import { Table } from '../../ui/table/table.tsx';
import { durationTicks } from '../../ui/ticks.ts';
import { formatDuration, roughDuration } from '../../ui/time.tsx';
import { DayChart } from '../dashboard/day-chart.tsx';
import { CostFigures, totalsOf, useCostWindow } from './cost-window.tsx';
import { IdlePolicies } from './idle-policies.tsx';
import { UnpricedNotice } from './unpriced-notice.tsx';

export const CostsPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/costs' });
  const { from, picker } = useCostWindow();
  const { data } = useSuspenseQuery(costHistoryQuery(projectId, from));
  const costs = totalsOf(data);
  return (
    <Page
      title="Costs"
      lead="EC2 costs of the instances, compared with the same instances always on."
      actions={picker}
    >
      {data.isPartial && <Notice kind="info">Too many tasks to read at once: only the newest count.</Notice>}
      <UnpricedNotice unpriced={data.unpriced} />
      <CostFigures costs={costs} />
      {data.runners.length === 0 ? (
        <Empty icon="costs" title="No instance has run yet">
          Costs by day, runner and template appear here once a task has woken an instance.
        </Empty>
      ) : (
        <>
          <Card title="Instance time per day">
            <DayChart
              label="Instance time per day"
              days={data.days.map(({ day, workingMs, idleMs, bootingMs }) => ({
                day,
                values: { working: workingMs, idle: idleMs, booting: bootingMs },
              }))}
              series={[
                { key: 'working', name: 'Working', colour: '--band-busy', stack: 'time' },
                { key: 'idle', name: 'Idle', colour: '--band-idle', stack: 'time' },
                { key: 'booting', name: 'Booting', colour: '--band-waking', stack: 'time' },
              ]}
              format={formatDuration}
              formatAxis={roughDuration}
              ticksTo={durationTicks}
            />
          </Card>
          <div className="cards">
            <Card title="Spent per day">
              <DayChart
                label="Spent per day"
                days={data.days.map(({ day, spentMicroUsd }) => ({ day, values: { spent: spentMicroUsd } }))}
                series={[{ key: 'spent', name: 'Spent', colour: '--band-waking', stack: 'money' }]}
                format={formatMoney}
                formatAxis={roughMoney}
              />
            </Card>
            <Card title="Saved per day">
              {isTooEarly(costs) ? (
                <p className="quiet-text">
                  It is too early to tell: EC2 bills a minute at least for each start, and these instances
                  have not run much longer yet.
                </p>
              ) : (
                <DayChart
                  label="Saved per day"
                  days={data.days.map(({ day, savedMicroUsd }) => ({
                    day,
                    values: { saved: savedMicroUsd },
                  }))}
                  series={[{ key: 'saved', name: 'Saved', colour: '--chart-ok', stack: 'money' }]}
                  format={formatMoney}
                  formatAxis={roughMoney}
                />
              )}
            </Card>
          </div>
          <Card title="By runner">
            <RunnerCosts runners={data.runners} isShort={costs.isShort} />
          </Card>
          <Card title="By template">
            <Table
              label="Costs by template"
              items={data.templates}
              keyOf={({ templateId }) => templateId}
              columns={[
                { header: 'Template', render: ({ name }) => name },
                { header: 'Tasks', align: 'right', render: ({ tasks }) => tasks },
                {
                  header: 'Run time',
                  align: 'right',
                  from: 'tablet',
                  render: ({ runMs }) => formatDuration(runMs),
                },
                ...costColumns<TemplateCost>(({ microUsd, alwaysOnMicroUsd }) => ({
                  spent: microUsd,
                  alwaysOn: alwaysOnMicroUsd,
                  isShort: costs.isShort,
                })),
              ]}
            />
            {data.withoutTaskMicroUsd >= worthTelling && (
              <p className="sub">
                And {formatMoney(data.withoutTaskMicroUsd)} for instances that ran without a task, such as
                after a manual wake.
              </p>
            )}
          </Card>
          <IdlePolicies runners={data.runners} />
        </>
      )}
    </Page>
  );
};

/** Smallest difference shown, in micro-dollars. Rounding causes smaller ones. */
const worthTelling = 100;

const durationOf = (ms: number): string => (ms === 0 ? '–' : formatDuration(ms));

type RunnerCost = CostHistory['runners'][number];
type TemplateCost = CostHistory['templates'][number];

interface RunnerCostsProps {
  readonly runners: readonly RunnerCost[];
  /** True when the history is short, as in `Comparison`. */
  readonly isShort: boolean;
}

const RunnerCosts = ({ runners, isShort }: RunnerCostsProps): ReactNode => (
  <Table
    label="Costs by runner"
    items={runners}
    keyOf={({ runnerId }) => runnerId}
    columns={[
      { header: 'Runner', render: ({ name }) => name },
      {
        header: 'Working',
        align: 'right',
        from: 'tablet',
        render: ({ workingMs }) => durationOf(workingMs),
      },
      { header: 'Idle', align: 'right', from: 'tablet', render: ({ idleMs }) => durationOf(idleMs) },
      {
        header: 'Booting',
        align: 'right',
        from: 'tablet',
        render: ({ bootingMs }) => durationOf(bootingMs),
      },
      {
        header: 'Mean boot',
        align: 'right',
        from: 'desktop',
        render: ({ meanBootMs }) => (meanBootMs === undefined ? '–' : formatDuration(meanBootMs)),
      },
      ...costColumns<RunnerCost>(({ spentMicroUsd, alwaysOnMicroUsd }) => ({
        spent: spentMicroUsd,
        alwaysOn: alwaysOnMicroUsd,
        isShort,
      })),
    ]}
  />
);
