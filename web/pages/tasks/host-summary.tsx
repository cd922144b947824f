/** Ansible's results on each host. */
import type { ReactNode } from 'react';
import type { HostResult } from '../../../protocol/index.ts';
import { Badge } from '../../ui/badge.tsx';
import { Card } from '../../ui/page.tsx';
import { type Column, Table } from '../../ui/table/table.tsx';

const count = (header: string, of: (one: HostResult) => number, from?: 'tablet'): Column<HostResult> => ({
  header,
  align: 'right',
  from,
  render: (one) => (of(one) === 0 ? <span className="quiet-text">0</span> : of(one)),
});

const columns: Column<HostResult>[] = [
  { header: 'Host', render: ({ host }) => host },
  {
    header: 'Result',
    render: ({ failed, unreachable, changed }) =>
      unreachable > 0 ? (
        <Badge tone="bad">Unreachable</Badge>
      ) : failed > 0 ? (
        <Badge tone="bad">Failed</Badge>
      ) : changed > 0 ? (
        <Badge tone="warn">Changed</Badge>
      ) : (
        <Badge tone="ok">Unchanged</Badge>
      ),
  },
  count('Ok', ({ ok }) => ok, 'tablet'),
  count('Changed', ({ changed }) => changed),
  count('Failed', ({ failed, unreachable }) => failed + unreachable),
  count('Skipped', ({ skipped }) => skipped, 'tablet'),
  count('Rescued', ({ rescued }) => rescued, 'tablet'),
  count('Ignored', ({ ignored }) => ignored, 'tablet'),
];

const rank = ({ unreachable, failed, changed }: HostResult): number =>
  unreachable + failed > 0 ? 0 : changed > 0 ? 1 : 2;

/** Lists hosts with failures first. */
export const HostSummary = ({ hosts }: { readonly hosts: readonly HostResult[] }): ReactNode => (
  <Card title={hosts.length === 1 ? '1 host' : `${hosts.length} hosts`}>
    <Table
      label="Hosts"
      items={[...hosts].sort((a, b) => rank(a) - rank(b) || a.host.localeCompare(b.host))}
      columns={columns}
      keyOf={({ host }) => host}
    />
  </Card>
);
