/** Creates a runner, then shows its secrets, which are shown only once. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components/Tabs';
import { runnersIn } from '../../../protocol/endpoints/runners.ts';
import type { CreatedRunner } from '../../../protocol/index.ts';
import { call } from '../../data/request.ts';
import { fleetsQuery, runnersKey } from '../../data/runners.ts';
import { download } from '../../shared/download.ts';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/copy.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Notice } from '../../ui/notice.tsx';
import { say } from '../../ui/toast.tsx';
import { configFile, waysToStart } from './runner-commands.ts';
import { emptyRunner, inputOf, RunnerFields } from './runner-form.tsx';

interface NewRunnerProps {
  /** Absent for a global runner. */
  readonly projectId: string | undefined;
  readonly knownTags: readonly string[];
  readonly onClose: () => void;
}

export const NewRunner = ({ projectId, knownTags, onClose }: NewRunnerProps): ReactNode => {
  const client = useQueryClient();
  const [made, setMade] = useState<CreatedRunner>();
  const fleets = useQuery(fleetsQuery());
  const form = useForm(emptyRunner, async (draft) => {
    const { endpoints, params } = runnersIn(projectId);
    const body = { ...inputOf(draft), count: draft.fleet === '' ? undefined : Number(draft.count) };
    const answer = await call(endpoints.create, { params, body });
    if ('token' in answer) setMade(answer);
    else {
      const names = answer.items.map(({ name }) => name).join(', ');
      say(`Created ${names}: an instance is launched with the first task.`);
      onClose();
    }
    await Promise.all(
      [runnersKey(projectId), fleetsQuery().queryKey].map((queryKey) =>
        client.invalidateQueries({ queryKey }),
      ),
    );
  });
  if (made) return <RunnerSecrets made={made} onClose={onClose} />;
  return (
    <Dialog title={projectId ? 'New runner' : 'New global runner'} onClose={onClose} shape="sheet">
      <Loaded query={fleets}>
        {(all) => (
          <FormFrame form={form} action="Create runner">
            <RunnerFields form={form} isGlobal={projectId === undefined} knownTags={knownTags} fleets={all} />
          </FormFrame>
        )}
      </Loaded>
    </Dialog>
  );
};

const RunnerSecrets = ({
  made,
  onClose,
}: {
  readonly made: CreatedRunner;
  readonly onClose: () => void;
}): ReactNode => {
  const [isTaken, setTaken] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const { name } = made.runner;
  const take = (file: string, text: string) => {
    download(file, text);
    setTaken(true);
  };
  return (
    <>
      <Dialog
        title={`Runner ${name} is created`}
        onClose={() => (isTaken ? onClose() : setAsking(true))}
        shape="sheet"
      >
        <div className="dialog-body">
          <Notice kind="warn">
            The token and the private key are shown only once. Reveille keeps a hash of the token and the
            public half of the key.
          </Notice>
          <Code label="Token" text={made.token} />
          <div className="row">
            {made.privateKey !== undefined && (
              <Button
                icon="download"
                look="primary"
                onPress={() => take('runner-key.pem', made.privateKey ?? '')}
              >
                Download private key
              </Button>
            )}
            <Button icon="download" onPress={() => take('runner.json', configFile(made))}>
              Download config with both
            </Button>
          </div>
          <h3>Start it</h3>
          <WaysToStart made={made} onKeyTaken={() => setTaken(true)} />
        </div>
        <footer className="dialog-foot">
          <Button
            look={isTaken ? 'primary' : 'plain'}
            onPress={() => (isTaken ? onClose() : setAsking(true))}
          >
            Done
          </Button>
        </footer>
      </Dialog>
      {isAsking && (
        <Confirm
          title="Close without the private key?"
          action="Close anyway"
          onConfirm={async () => onClose()}
          onClose={() => setAsking(false)}
        >
          You have neither downloaded nor copied it. It cannot be shown again: without it, you have to create
          the runner again.
        </Confirm>
      )}
    </>
  );
};

interface WaysToStartProps {
  readonly made: CreatedRunner;
  /** Called when a text that contains the private key was copied. */
  readonly onKeyTaken: () => void;
}

const WaysToStart = ({ made, onKeyTaken }: WaysToStartProps): ReactNode => {
  const ways = waysToStart(made);
  return (
    <Tabs className="tabs">
      <TabList aria-label="Ways to start it" className="tab-list">
        {ways.map(({ id, name }) => (
          <Tab key={id} id={id} className="tab">
            {name}
          </Tab>
        ))}
      </TabList>
      {ways.map(({ id, name, text, note, holdsKey }) => (
        <TabPanel key={id} id={id} className="tab-panel">
          <p className="hint">{note}</p>
          <Code label={name} text={text} onCopied={holdsKey ? onKeyTaken : undefined} />
        </TabPanel>
      ))}
    </Tabs>
  );
};
