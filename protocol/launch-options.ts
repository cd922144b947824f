/** Launch options: what of a template may be changed when a task is started. Nothing that the template does not allow. */
import { type LaunchOption, launchOption } from './app-options.ts';
import type { Task, TaskInput } from './task.ts';
import { misfit, type Template } from './template.ts';

/** What is given beside the template and the answers to its survey. */
export type LaunchValues = Omit<TaskInput, 'templateId' | 'message' | 'survey'>;

/** What of a template counts here, so that the console can ask for one that is not saved yet. */
export type LaunchTemplate = Pick<
  Template,
  'app' | 'ansible' | 'terraform' | 'arguments' | 'timeoutMs' | 'priority' | 'launch'
> &
  Partial<Pick<Template, 'branch' | 'repositoryId' | 'inventoryId' | 'environmentId'>>;

interface Place {
  /** Where the API has it. */
  readonly path: string;
  /** Where a template has it, if that is elsewhere. */
  readonly inTemplate?: string;
  /** What it is where a template has nothing. */
  readonly otherwise?: unknown;
}

const places: Readonly<Record<LaunchOption, Place>> = {
  limit: { path: 'ansible.limit' },
  tags: { path: 'ansible.tags', otherwise: [] },
  skipTags: { path: 'ansible.skipTags', otherwise: [] },
  check: { path: 'ansible.check', otherwise: false },
  diff: { path: 'ansible.diff', otherwise: false },
  verbosity: { path: 'ansible.verbosity', otherwise: 0 },
  terraformAction: { path: 'terraform.action', otherwise: 'apply' },
  arguments: { path: 'arguments' },
  branch: { path: 'repository.branch', inTemplate: 'branch' },
  commit: { path: 'repository.commit' },
  inventory: { path: 'inventoryId' },
  environment: { path: 'environmentId' },
  timeout: { path: 'timeoutMs' },
  priority: { path: 'priority' },
};

/** Where the API has the value of an option. */
export const pathOf = (option: LaunchOption): string => places[option].path;

const valueAt = (object: object, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (at, key) =>
        typeof at === 'object' && at !== null ? Object.entries(at).find(([k]) => k === key)?.[1] : undefined,
      object,
    );

/** The value of an option in what is given; undefined: not given. */
export const givenValue = (values: LaunchValues, option: LaunchOption): unknown =>
  valueAt(values, places[option].path);

/** The value that a task has where none is given. */
export const templateValue = (template: LaunchTemplate, option: LaunchOption): unknown => {
  const { path, inTemplate = path, otherwise } = places[option];
  return valueAt(template, inTemplate) ?? otherwise;
};

/** Values by option, as the API takes them. */
export const nestValues = (
  values: readonly (readonly [LaunchOption, unknown])[],
): Record<string, unknown> => {
  const nested: Record<string, Record<string, unknown>> = {};
  const flat: Record<string, unknown> = {};
  for (const [option, value] of values) {
    const [group = '', field] = places[option].path.split('.');
    if (field === undefined) flat[group] = value;
    else nested[group] = { ...nested[group], [field]: value };
  }
  return { ...flat, ...nested };
};

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const givenOptions = (values: LaunchValues): LaunchOption[] =>
  launchOption.options.filter((option) => givenValue(values, option) !== undefined);

/** What is given and differs from what the template has. The template's own value changes nothing. */
export const changedOptions = (template: LaunchTemplate, values: LaunchValues): LaunchOption[] =>
  givenOptions(values).filter(
    (option) => !isSame(givenValue(values, option), templateValue(template, option)),
  );

/** What is given and the template does not allow. */
export const beyondLaunch = (template: LaunchTemplate, values: LaunchValues): LaunchOption[] =>
  changedOptions(template, values).filter((option) => !template.launch.includes(option));

/** The options that a template can have a use for. */
export const fittingOptions = (template: Parameters<typeof misfit>[1]): LaunchOption[] =>
  launchOption.options.filter((option) => misfit(option, template) === undefined);

export interface LaunchFault {
  readonly path: string;
  readonly message: string;
}

export type Applied =
  | { readonly ok: true; readonly changed: readonly LaunchOption[] }
  | { readonly ok: false; readonly faults: readonly LaunchFault[] };

/**
 * Judges what is given at a start. `mayGoBeyond`: a person who may edit the template saved it (a schedule, an integration), so
 * only what the template has no use for is refused.
 */
export const applyLaunchOptions = (
  template: LaunchTemplate,
  values: LaunchValues,
  { mayGoBeyond = false }: { readonly mayGoBeyond?: boolean } = {},
): Applied => {
  const beyond = mayGoBeyond ? [] : beyondLaunch(template, values);
  const faults = givenOptions(values).flatMap((option): LaunchFault[] => {
    const message =
      misfit(option, template) ??
      (beyond.includes(option)
        ? `must not be given: the template does not allow it. Its author can allow "${option}" under Launch options`
        : undefined);
    return message === undefined ? [] : [{ path: pathOf(option), message }];
  });
  return faults.length > 0 ? { ok: false, faults } : { ok: true, changed: changedOptions(template, values) };
};

/** A task has these of its template too, so that having one does not mean that it was given. */
const always: readonly LaunchOption[] = ['inventory', 'environment', 'priority'];

/** What a task was given, to start its template once more: without what the template does not allow any more. */
export const valuesAgain = (
  template: LaunchTemplate,
  { changed = [], ...task }: Task,
): { readonly values: ReadonlyMap<LaunchOption, unknown>; readonly leftOut: readonly LaunchOption[] } => {
  const given = givenOptions(task).filter((option) => changed.includes(option) || !always.includes(option));
  const isAllowed = (option: LaunchOption) =>
    misfit(option, template) === undefined &&
    (template.launch.includes(option) || isSame(givenValue(task, option), templateValue(template, option)));
  return {
    values: new Map(given.filter(isAllowed).map((option) => [option, givenValue(task, option)])),
    leftOut: given.filter((option) => !isAllowed(option)),
  };
};

/** Why this person must not confirm the task; undefined: they may, as far as the template goes. */
export const whyNotConfirm = (
  { confirmedBy, notConfirmedBy = [] }: Pick<Task, 'confirmedBy' | 'notConfirmedBy'>,
  personId: string,
): string | undefined =>
  confirmedBy === 'another_person' && notConfirmedBy.includes(personId)
    ? 'The template wants another person to confirm: not who started the task, nor who last edited what started it or what it runs. Ask somebody else.'
    : undefined;
