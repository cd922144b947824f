/** What was spent, what machines that never sleep would have cost, and what another idle timeout would have. */
import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import type { CostHistory } from '../../protocol/index.ts';
import { costHistoryQuery } from '../client/insight.ts';
import { DayChart } from '../parts/day-chart.tsx';
import { Empty } from '../ui/empty.tsx';
import { formatMoney, Money } from '../ui/money.tsx';
import { Notice } from '../ui/notice.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { formatDuration, roughDuration } from '../ui/time.tsx';

const spans = [7, 30, 90] as const;
const dayMs = 86_400_000;

const sum = <T,>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((total, one) => total + of(one), 0);
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });

export const CostsPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/costs' });
  const [span, setSpan] = useState<number>(30);
  // Whole hours, so that the answer can be kept for a while.
  const from = useMemo(() => {
    const hour = 3_600_000;
    return new Date(Math.floor(Date.now() / hour) * hour - span * dayMs).toISOString();
  }, [span]);
  const { data } = useSuspenseQuery(costHistoryQuery(projectId, from));
  const spent = sum(data.days, (day) => day.spentMicroUsd);
  const alwaysOn = sum(data.days, (day) => day.alwaysOnMicroUsd);
  const saved = sum(data.days, (day) => day.savedMicroUsd);
  return (
    <Page
      title="Costs"
      lead="Instances as EC2 bills them, against the same instances had they never slept."
      actions={
        <label className="row">
          <span className="quiet-text">Last</span>
          <select value={span} onChange={({ target }) => setSpan(Number(target.value))}>
            {spans.map((days) => (
              <option key={days} value={days}>
                {days} days
              </option>
            ))}
          </select>
        </label>
      }
    >
      {data.isPartial && (
        <Notice kind="info">There were more tasks than are read at once: the newest of them count.</Notice>
      )}
      <dl className="figures">
        <div className="figure">
          <dt>Spent</dt>
          <dd>{formatMoney(spent)}</dd>
        </div>
        <div className="figure">
          <dt>Always on would be</dt>
          <dd>{formatMoney(alwaysOn)}</dd>
        </div>
        <div className="figure">
          <dt>Saved</dt>
          <dd>
            {formatMoney(saved)} <small>{alwaysOn > 0 && percent.format(saved / alwaysOn)}</small>
          </dd>
        </div>
        <div className="figure">
          <dt>Tasks</dt>
          <dd>{sum(data.days, (day) => day.tasks)}</dd>
        </div>
      </dl>
      {spent === 0 && data.runners.length === 0 ? (
        <Empty icon="costs" title="No instance has run yet">
          As soon as a task wakes an instance, what it costs stands here, by day, runner and template.
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
            />
          </Card>
          <div className="cards">
            <Card title="Spent per day">
              <DayChart
                label="Spent per day"
                days={data.days.map(({ day, spentMicroUsd }) => ({ day, values: { spent: spentMicroUsd } }))}
                series={[{ key: 'spent', name: 'Spent', colour: '--band-waking', stack: 'money' }]}
                format={formatMoney}
              />
            </Card>
            <Card title="Saved per day">
              <DayChart
                label="Saved per day"
                days={data.days.map(({ day, savedMicroUsd }) => ({ day, values: { saved: savedMicroUsd } }))}
                series={[{ key: 'saved', name: 'Saved', colour: '--chart-ok', stack: 'money' }]}
                format={formatMoney}
              />
            </Card>
          </div>
          <Card title="By runner">
            <RunnerCosts runners={data.runners} />
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
                { header: 'Cost', align: 'right', render: ({ microUsd }) => <Money microUsd={microUsd} /> },
              ]}
            />
          </Card>
          <IdlePolicies runners={data.runners} />
        </>
      )}
    </Page>
  );
};

type RunnerCost = CostHistory['runners'][number];

const RunnerCosts = ({ runners }: { readonly runners: readonly RunnerCost[] }): ReactNode => (
  <Table
    label="Costs by runner"
    items={runners}
    keyOf={({ runnerId }) => runnerId}
    columns={[
      { header: 'Runner', render: ({ name }) => name },
      { header: 'Working', align: 'right', render: ({ workingMs }) => formatDuration(workingMs) },
      { header: 'Idle', align: 'right', from: 'tablet', render: ({ idleMs }) => formatDuration(idleMs) },
      {
        header: 'Booting',
        align: 'right',
        from: 'tablet',
        render: ({ bootingMs }) => formatDuration(bootingMs),
      },
      {
        header: 'Mean boot',
        align: 'right',
        from: 'desktop',
        render: ({ meanBootMs }) => (meanBootMs === undefined ? '–' : formatDuration(meanBootMs)),
      },
      { header: 'Spent', align: 'right', render: ({ spentMicroUsd }) => <Money microUsd={spentMicroUsd} /> },
    ]}
  />
);

/** Stopping early saves idle time and costs starts: what each choice would have done with the same work. */
const IdlePolicies = ({ runners }: { readonly runners: readonly RunnerCost[] }): ReactNode => {
  const compared = runners.filter(({ policies }) => policies.length > 0);
  if (compared.length === 0) return null;
  return (
    <Card title="Had the idle timeout been another one">
      <p className="lead">
        An instance that stays on costs idle time; one that stops at once is billed at least a minute at its
        next start, and the next task waits for the boot. This is the same history of work, with other
        timeouts.
      </p>
      <div className="stack policies">
        {compared.map((runner) => (
          <PolicyTable key={runner.runnerId} runner={runner} />
        ))}
      </div>
    </Card>
  );
};

const PolicyTable = ({ runner }: { readonly runner: RunnerCost }): ReactNode => {
  const cheapest = Math.min(...runner.policies.map(({ microUsd }) => microUsd));
  return (
    <section>
      <h3>{runner.name}</h3>
      <Table
        label={`Idle timeouts of ${runner.name}`}
        items={runner.policies}
        keyOf={({ idleTimeoutMs }) => String(idleTimeoutMs)}
        columns={[
          {
            header: 'Stays on for',
            render: ({ idleTimeoutMs }) => (
              <>
                {idleTimeoutMs === 0 ? 'not at all' : formatDuration(idleTimeoutMs)}
                {idleTimeoutMs === runner.idleTimeoutMs && <strong> (as set)</strong>}
              </>
            ),
          },
          { header: 'Boots', align: 'right', render: ({ starts }) => starts },
          {
            header: 'Waited for boots',
            align: 'right',
            from: 'tablet',
            render: ({ waitedMs }) => formatDuration(waitedMs),
          },
          {
            header: 'Cost',
            align: 'right',
            render: ({ microUsd }) => (
              <>
                <Money microUsd={microUsd} />
                {microUsd === cheapest && <span className="sub">cheapest</span>}
              </>
            ),
          },
        ]}
      />
    </section>
  );
};
