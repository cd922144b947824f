/** Projects of the stack. */
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { createProject, removeProject, replaceProject } from '../../../protocol/endpoints/projects.ts';
import type { Project } from '../../../protocol/index.ts';
import { projectsQuery } from '../../data/projects.ts';
import { call } from '../../data/request.ts';
import { may, useMe } from '../../data/session.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { FormFrame, numberOf, useForm } from '../../ui/form.tsx';
import { ActionMenu } from '../../ui/menu.tsx';
import { Page } from '../../ui/page.tsx';
import { Table } from '../../ui/table/table.tsx';
import { Ago } from '../../ui/time.tsx';

export const ProjectsPage = (): ReactNode => {
  const client = useQueryClient();
  const who = useMe();
  const { data: projects } = useSuspenseQuery(projectsQuery);
  const [edited, edit] = useState<Project | 'new'>();
  const [deleted, setDeleted] = useState<Project>();
  return (
    <Page
      title="Projects"
      lead="Each has its own runners, templates, keys and members; projects cannot see each other."
      actions={
        who.isAdmin && (
          <Button look="primary" icon="plus" onPress={() => edit('new')}>
            New project
          </Button>
        )
      }
    >
      <Table
        label="Projects"
        items={projects}
        keyOf={({ id }) => id}
        columns={[
          {
            header: 'Name',
            render: ({ id, name, description }) => (
              <>
                <Link to="/projects/$projectId" params={{ projectId: id }}>
                  {name}
                </Link>
                <span className="sub">{description}</span>
              </>
            ),
          },
          {
            header: 'Logs kept',
            align: 'right',
            from: 'tablet',
            render: ({ logRetentionDays }) => `${logRetentionDays} days`,
          },
          { header: 'Created', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
          {
            header: 'Actions',
            isHeaderHidden: true,
            align: 'right',
            render: (project) =>
              may(who, project.id, 'owner') && (
                <ActionMenu
                  label={`Actions for ${project.name}`}
                  acts={[
                    { label: 'Edit', onAct: () => edit(project) },
                    { label: 'Delete', onAct: () => setDeleted(project), isDangerous: true },
                  ]}
                />
              ),
          },
        ]}
      />
      {edited && (
        <ProjectEditor project={edited === 'new' ? undefined : edited} onClose={() => edit(undefined)} />
      )}
      {deleted && (
        <Confirm
          title={`Delete ${deleted.name}?`}
          action="Delete project"
          onConfirm={async () => {
            await call(removeProject, { params: { projectId: deleted.id } });
            await client.invalidateQueries({ queryKey: projectsQuery.queryKey });
          }}
          onClose={() => setDeleted(undefined)}
        >
          Its templates, keys, tasks and logs are deleted too. This cannot be undone. A project with runners
          or live tasks cannot be deleted.
        </Confirm>
      )}
    </Page>
  );
};

const ProjectEditor = ({
  project,
  onClose,
}: {
  readonly project: Project | undefined;
  readonly onClose: () => void;
}): ReactNode => {
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useForm(
    {
      name: project?.name ?? '',
      description: project?.description ?? '',
      days: String(project?.logRetentionDays ?? 90),
      atOnce: String(project?.maxParallelTasks ?? 0),
    },
    async ({ name, description, days, atOnce }) => {
      const body = {
        name,
        logRetentionDays: numberOf(days),
        maxParallelTasks: numberOf(atOnce),
        description: description.trim() === '' ? undefined : description,
      };
      const saved = project
        ? await call(replaceProject, { params: { projectId: project.id }, body })
        : await call(createProject, { body });
      await client.invalidateQueries({ queryKey: projectsQuery.queryKey });
      onClose();
      if (!project) await navigate({ to: '/projects/$projectId', params: { projectId: saved.id } });
    },
  );
  const { field } = form;
  return (
    <Dialog title={project ? `Edit ${project.name}` : 'New project'} onClose={onClose}>
      <FormFrame form={form} action={project ? 'Save' : 'Create project'}>
        <NameField {...field('name')} />
        <TextArea label="Description" rows={2} {...field('description')} />
        <TextField
          label="Logs are kept for"
          type="number"
          unit="days"
          min={1}
          max={3650}
          {...field('days', 'logRetentionDays')}
          isRequired
        />
        <TextField
          label="Tasks at a time"
          type="number"
          min={0}
          max={1000}
          hint="On all runners together. 0 = no limit."
          {...field('atOnce', 'maxParallelTasks')}
          isRequired
        />
      </FormFrame>
    </Dialog>
  );
};
