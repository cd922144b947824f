/** Cost of each runner with other idle timeouts, on the same history. */
import type { ReactNode } from 'react';
import type { CostHistory } from '../../../protocol/index.ts';
import { Money } from '../../ui/money.tsx';
import { Card } from '../../ui/page.tsx';
import { Table } from '../../ui/table/table.tsx';
import { formatDuration } from '../../ui/time.tsx';
import { idleText } from '../runners/idle-text.ts';

type RunnerCost = CostHistory['runners'][number];

/** Compares idle timeouts on the same work. A shorter one saves idle time but costs more starts. */
export const IdlePolicies = ({ runners }: { readonly runners: readonly RunnerCost[] }): ReactNode => {
  const compared = runners.filter(({ policies }) => policies.length > 0);
  if (compared.length === 0) return null;
  return (
    <Card title="Costs with other idle timeouts">
      <p className="lead">
        An instance that stays on costs idle time. One that stops at once is billed at least a minute at its
        next start, and the next task waits for the boot. This table applies other timeouts to the same
        history.
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
            header: 'Idle timeout',
            render: ({ idleTimeoutMs }) => (
              <>
                {idleText(idleTimeoutMs)}
                {idleTimeoutMs === runner.idleTimeoutMs && <strong> (current)</strong>}
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
