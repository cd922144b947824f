/** Saves the filtered audit trail as a file. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Query } from '../../../protocol/endpoints/call.ts';
import { type ExportFormat, exportAudit } from '../../data/audit-export.ts';
import { messageOf } from '../../data/request.ts';
import { download } from '../../shared/download.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { say } from '../../ui/toast.tsx';

const formats = { csv: ['CSV', 'text/csv'], jsonl: ['JSON lines', 'application/jsonl'] } as const;

const eventsText = (events: number): string =>
  `${events.toLocaleString()} ${events === 1 ? 'event' : 'events'}`;

interface AuditExportProps {
  readonly projectId: string | undefined;
  readonly filters: Query;
}

export const AuditExport = ({ projectId, filters }: AuditExportProps): ReactNode => {
  const [running, setRunning] = useState<{ readonly format: ExportFormat; readonly events: number }>();
  const [failure, setFailure] = useState<string>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const save = async (format: ExportFormat) => {
    const [name, type] = formats[format];
    const controller = new AbortController();
    abort.current = controller;
    let events = 0;
    setFailure(undefined);
    setRunning({ format, events });
    try {
      const parts = await exportAudit(projectId, {
        filters,
        format,
        signal: controller.signal,
        onPart: (now) => {
          events = now;
          setRunning({ format, events });
        },
      });
      download(`audit-${projectId ?? 'stack'}.${format}`, parts, type);
      say(`${eventsText(events)} are exported as ${name}.`);
    } catch (error) {
      if (controller.signal.aborted) return;
      setFailure(`The export failed after ${eventsText(events)}, and no file is saved. ${messageOf(error)}`);
    } finally {
      setRunning(undefined);
    }
  };

  return (
    <>
      <span role="status">{running && `${eventsText(running.events)} so far`}</span>
      <div className="row">
        {(['csv', 'jsonl'] as const).map((format) => (
          <Button
            key={format}
            small
            icon="download"
            isPending={running !== undefined}
            onPress={() => save(format)}
          >
            Export {formats[format][0]}
          </Button>
        ))}
        {running && (
          <Button small look="quiet" onPress={() => abort.current?.abort()}>
            Cancel the export
          </Button>
        )}
      </div>
      {failure && <Notice kind="bad">{failure}</Notice>}
    </>
  );
};
