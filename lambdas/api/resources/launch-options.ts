/** Launch options of schedules and integrations: values beyond them, and the right to save those. */
import { templates } from '../../../protocol/endpoints/resources.ts';
import {
  beyondLaunch,
  type EffectiveRole,
  type LaunchOption,
  type LaunchValues,
  type ProjectId,
  type Template,
} from '../../../protocol/index.ts';
import { mayCall } from '../../core/people/permissions.ts';
import { savedValues } from '../../flows/tasks/start-from-trigger.ts';
import type { ApiDeps } from '../deps.ts';

/** A person who may change the template may also give its tasks values that the template does not allow. */
export const mayGoBeyond = (role: EffectiveRole | undefined): boolean => mayCall(role, templates.replace);

interface Saved extends LaunchValues {
  readonly projectId: ProjectId;
  readonly templateId: string;
}

const givesAny = (saved: Saved): boolean =>
  Object.values(savedValues(saved)).some((value) => value !== undefined);

/**
 * Returns a function that lists values beyond the current template. Reads templates only for given values.
 */
export const beyondOf = async (
  { resources }: Pick<ApiDeps, 'resources'>,
  all: readonly Saved[],
): Promise<(saved: Saved) => { beyondLaunchOptions?: LaunchOption[] }> => {
  const wanted = new Map(all.filter(givesAny).map((saved) => [saved.templateId, saved.projectId]));
  const read = await Promise.all(
    [...wanted].map(([id, projectId]) => resources.templates.get(projectId, id)),
  );
  const templates = new Map(
    read.flatMap((template): [string, Template][] => (template ? [[template.id, template]] : [])),
  );
  return (saved) => {
    const template = templates.get(saved.templateId);
    const beyond = template ? beyondLaunch(template, savedValues(saved)) : [];
    return beyond.length > 0 ? { beyondLaunchOptions: beyond } : {};
  };
};
