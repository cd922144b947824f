/** Launch options: fields of a template that a start may change, if the template allows it. */
import { type LaunchOption, launchOption } from './app-options.ts';
import type { Task, TaskInput } from './task.ts';
import { misfit, type Template } from './template.ts';

/** Values of a start beside the template and the survey answers. */
export type LaunchValues = Omit<TaskInput, 'templateId' | 'message' | 'survey'>;

/** Fields of a template that matter here, so that the console can check an unsaved one. */
export type LaunchTemplate = Pick<
  Template,
  'app' | 'ansible' | 'terraform' | 'arguments' | 'timeoutMs' | 'priority' | 'launch'
> &
  Partial<Pick<Template, 'branch' | 'repositoryId' | 'inventoryId' | 'environmentId'>>;

interface Place {
  /** Path in the API. */
  readonly path: string;
  /** Path in a template, if it differs. */
  readonly inTemplate?: string;
  /** Default where a template has no value. */
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

/** Path of an option in the API. */
export const pathOf = (option: LaunchOption): string => places[option].path;

const valueAt = (object: object, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (at, key) =>
        typeof at === 'object' && at !== null ? Object.entries(at).find(([k]) => k === key)?.[1] : undefined,
      object,
    );

/** Returns the given value of an option; undefined: not given. */
export const givenValue = (values: LaunchValues, option: LaunchOption): unknown =>
  valueAt(values, places[option].path);

/** Returns the value that a task has when none is given. */
export const templateValue = (template: LaunchTemplate, option: LaunchOption): unknown => {
  const { path, inTemplate = path, otherwise } = places[option];
  return valueAt(template, inTemplate) ?? otherwise;
};

/** Nests values by option, in the form of the API. */
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

/** Lists given options that differ from the template's value. Repeating that value changes nothing. */
export const changedOptions = (template: LaunchTemplate, values: LaunchValues): LaunchOption[] =>
  givenOptions(values).filter(
    (option) => !isSame(givenValue(values, option), templateValue(template, option)),
  );

/** Lists given options that the template does not allow. */
export const beyondLaunch = (template: LaunchTemplate, values: LaunchValues): LaunchOption[] =>
  changedOptions(template, values).filter((option) => !template.launch.includes(option));

/** Lists the options that apply to a template. */
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
 * Checks the values of a start. `mayGoBeyond`: a person who may edit the template saved them (a schedule, an
 * integration), so only options that don't apply to the template are rejected.
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

/** A task also copies these from its template, so their presence does not mean that they were given. */
const always: readonly LaunchOption[] = ['inventory', 'environment', 'priority'];

/**
 * Returns the given values of a task, to start its template again: without options that the template no
 * longer allows.
 */
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

/**
 * Explains why this person must not confirm the task; undefined: they may, as far as the template is
 * concerned.
 */
export const whyNotConfirm = (
  { confirmedBy, notConfirmedBy = [] }: Pick<Task, 'confirmedBy' | 'notConfirmedBy'>,
  personId: string,
): string | undefined =>
  confirmedBy === 'another_person' && notConfirmedBy.includes(personId)
    ? 'The template requires another person to confirm: not the one who started the task, and not the last editor of what started it or of what it runs. Ask someone else.'
    : undefined;
