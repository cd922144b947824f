/** First steps: a project, a runner, a template, and a task that ran. */
import { useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { createProject } from '../../../protocol/endpoints/projects.ts';
import { templates } from '../../../protocol/endpoints/resources.ts';
import { startTask } from '../../../protocol/endpoints/tasks.ts';
import {
  type CreatedRunner,
  hasEnded,
  type Project,
  type Task,
  type Template,
} from '../../../protocol/index.ts';
import { projectsQuery } from '../../data/projects.ts';
import { isWaiting, taskQuery } from '../../data/queries.ts';
import { call } from '../../data/request.ts';
import { useMe } from '../../data/session.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { TaskBadge } from '../../ui/badge.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Select, TextArea } from '../../ui/field.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Page } from '../../ui/page.tsx';
import { RunnerStep, StartRunnerStep } from '../runners/first-runner.tsx';
import { LogView } from '../tasks/log/log-view.tsx';
import { TaskTimeline } from '../tasks/timeline.tsx';

interface Done {
  readonly project?: Project;
  readonly runner?: CreatedRunner;
  readonly isRunnerReady?: boolean;
  readonly template?: Template;
  readonly task?: Task;
}

export const WelcomePage = (): ReactNode => {
  const who = useMe();
  const { data: projects } = useSuspenseQuery(projectsQuery);
  const [done, setDone] = useState<Done>({});
  const add = (more: Done) => setDone((before) => ({ ...before, ...more }));
  const { project, runner, isRunnerReady, template, task } = done;
  if (!who.isAdmin && projects.length === 0) {
    return (
      <Page title="Welcome">
        <Empty icon="projects" title="You have no project yet">
          Ask the owner of a project to invite you.
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={`Welcome, ${who.name}`}
      lead="Four steps to a task that has run: a project, a runner that can sleep, a template, and its first task."
    >
      <ol className="steps">
        <Step number={1} title="A project" summary={project?.name} isOpen={!project}>
          <ProjectStep projects={projects} onDone={(made) => add({ project: made })} />
        </Step>
        <Step
          number={2}
          title="A runner"
          summary={isRunnerReady ? runner?.runner.name : undefined}
          isOpen={project !== undefined && !isRunnerReady}
          isHalfDone={runner !== undefined}
        >
          {project &&
            (runner ? (
              <StartRunnerStep project={project} made={runner} onDone={() => add({ isRunnerReady: true })} />
            ) : (
              <RunnerStep project={project} onDone={(made) => add({ runner: made })} />
            ))}
        </Step>
        <Step
          number={3}
          title="A template"
          summary={template?.name}
          isOpen={isRunnerReady === true && !template}
        >
          {project && runner && (
            <TemplateStep
              project={project}
              tag={runner.runner.tags[0]}
              onDone={(made) => add({ template: made })}
            />
          )}
        </Step>
        <Step
          number={4}
          title="A task"
          summary={undefined}
          isOpen={template !== undefined}
          isHalfDone={task !== undefined}
        >
          {project &&
            template &&
            (task ? (
              <WatchStep started={task} />
            ) : (
              <RunStep project={project} template={template} onDone={(started) => add({ task: started })} />
            ))}
        </Step>
      </ol>
    </Page>
  );
};

interface StepProps {
  readonly number: number;
  readonly title: string;
  /** Result of the step. */
  readonly summary: string | undefined;
  readonly isOpen: boolean;
  /** Opens the second half of a step that has two. */
  readonly isHalfDone?: boolean;
  readonly children: ReactNode;
}

const Step = ({ number, title, summary, isOpen, isHalfDone, children }: StepProps): ReactNode => {
  const heading = useRef<HTMLHeadingElement>(null);
  const place = isOpen ? (isHalfDone ? 2 : 1) : 0;
  const lastPlace = useRef(place);
  useEffect(() => {
    // The button that led here is gone: users of a keyboard or screen reader continue where the step begins.
    if (place > lastPlace.current) heading.current?.focus();
    lastPlace.current = place;
  }, [place]);
  return (
    <li
      className={`step${isOpen ? ' open' : ''}${summary ? ' done' : ''}`}
      aria-current={isOpen ? 'step' : undefined}
    >
      <span className="step-number">{summary ? <Icon name="check" /> : number}</span>
      <div className="step-body">
        <h2 ref={heading} tabIndex={-1}>
          {title} {summary && <span className="quiet-text">{summary}</span>}
        </h2>
        {isOpen && children}
      </div>
    </li>
  );
};

const ProjectStep = ({
  projects,
  onDone,
}: {
  readonly projects: readonly Project[];
  readonly onDone: (made: Project) => void;
}): ReactNode => {
  const client = useQueryClient();
  const form = useForm({ name: '', existing: '' }, async ({ name, existing }) => {
    const chosen = projects.find(({ id }) => id === existing);
    if (chosen) return onDone(chosen);
    const made = await call(createProject, { body: { name } });
    await client.invalidateQueries({ queryKey: projectsQuery.queryKey });
    onDone(made);
  });
  const { value, set, field } = form;
  return (
    <FormFrame form={form} action={value.existing ? 'Use this project' : 'Create project'}>
      <p className="quiet-text">A project has its own runners, keys and members.</p>
      {projects.length > 0 && (
        <Select
          label="Project"
          value={value.existing}
          onChange={(existing) => set({ existing })}
          options={[
            { value: '', label: 'New project' },
            ...projects.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      )}
      {value.existing === '' && <NameField placeholder="Shop" {...field('name')} />}
    </FormFrame>
  );
};

const hello = `echo "Good morning from $HOSTNAME"
for step in 1 2 3; do echo "  step $step of 3"; sleep 1; done
date
`;

interface TemplateStepProps {
  readonly project: Project;
  readonly tag: string | undefined;
  readonly onDone: (made: Template) => void;
}

const TemplateStep = ({ project, tag, onDone }: TemplateStepProps): ReactNode => {
  const form = useForm({ name: 'Hello', script: hello }, async ({ name, script }) => {
    const body = { name, app: 'bash' as const, script, tag };
    onDone(await call(templates.create, { params: { projectId: project.id }, body }));
  });
  const { field } = form;
  return (
    <FormFrame form={form} action="Create template">
      <p className="quiet-text">
        What to run. {tag && `Its tag is ${tag}, so your runner takes it.`} Playbooks from a repository come
        later.
      </p>
      <NameField {...field('name')} />
      <TextArea label="Script" rows={5} isCode {...field('script')} isRequired />
    </FormFrame>
  );
};

interface RunStepProps {
  readonly project: Project;
  readonly template: Template;
  readonly onDone: (started: Task) => void;
}

const RunStep = ({ project, template, onDone }: RunStepProps): ReactNode => {
  const form = useForm({}, async () => {
    const body = { templateId: template.id, message: 'The first task' };
    onDone(await call(startTask, { params: { projectId: project.id }, body }));
  });
  return (
    <FormFrame form={form} action={`Run ${template.name}`}>
      <p className="quiet-text">It wakes the runner, runs there, and the runner goes back to sleep.</p>
    </FormFrame>
  );
};

const WatchStep = ({ started }: { readonly started: Task }): ReactNode => {
  const { data: task = started } = useQuery(taskQuery(started.projectId, started.id));
  const { projectId } = task;
  return (
    <div className="step-form">
      <p className="row" role="status">
        <TaskBadge status={task.status} />
        {task.status === 'success' ? 'Your first task has run.' : task.reason}
      </p>
      <TaskTimeline task={task} />
      <LogView
        projectId={projectId}
        taskId={task.id}
        attempt={task.attempt}
        hasBegun={!isWaiting(task)}
        isLive={!hasEnded(task.status)}
      />
      {hasEnded(task.status) && (
        <div className="row">
          <ButtonLink look="primary" to="/projects/$projectId" params={{ projectId }}>
            Go to the dashboard
          </ButtonLink>
        </div>
      )}
    </div>
  );
};
