/** Templates of a project: what to run, and where. */
import { useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { templates } from '../../../protocol/endpoints/resources.ts';
import { appNames, type Template } from '../../../protocol/index.ts';
import { useMay } from '../../data/session.ts';
import { type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { Tags } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { RunTask } from '../tasks/run-task.tsx';
import { emptyTemplate, type TemplateDraft, templateDraft, templateInput } from './template-draft.ts';
import { TemplateFields } from './template-form.tsx';

const kindWith = (run: ((template: Template) => void) | undefined): Kind<Template, TemplateDraft> => ({
  one: 'template',
  title: 'Templates',
  icon: 'templates',
  lead: 'What to run, and where. A task is one run of a template.',
  purpose:
    'A template names a playbook or a script, what it needs, and by its tag the runners that may run it.',
  endpoints: templates,
  columns: [
    { header: 'Name', render: ({ description }) => <span className="sub">{description}</span> },
    { header: 'App', from: 'tablet', render: ({ app }) => appNames[app] },
    {
      header: 'Tag',
      render: ({ tag }) => (tag ? <Tags tags={[tag]} /> : <span className="quiet-text">none</span>),
    },
    {
      header: 'Runs',
      from: 'desktop',
      render: ({ path }) => (path ? <code>{path}</code> : <span className="quiet-text">written here</span>),
    },
    ...(run
      ? [
          {
            header: 'Run',
            isHeaderHidden: true,
            align: 'right',
            render: (template: Template) => (
              <Button small icon="play" aria-label={`Run ${template.name}`} onPress={() => run(template)}>
                Run
              </Button>
            ),
          } as const,
        ]
      : []),
  ],
  emptyDraft: emptyTemplate,
  draftOf: templateDraft,
  inputOf: templateInput,
  Fields: TemplateFields,
  deletionNote: 'This cannot be undone. Its tasks and their logs stay.',
});

export const TemplatesPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/templates' });
  const mayRun = useMay(projectId, 'task_runner');
  const [running, run] = useState<Template>();
  const kind = useMemo(() => kindWith(mayRun ? run : undefined), [mayRun]);
  return (
    <>
      <ResourcePage kind={kind} projectId={projectId} />
      {running && <RunTask projectId={projectId} templateId={running.id} onClose={() => run(undefined)} />}
    </>
  );
};
