/** Converts launch options between form texts and API values. */
import {
  givenValue,
  type LaunchOption,
  type LaunchTemplate,
  type LaunchValues,
  launchOption,
  nestValues,
  templateValue,
} from '../../../protocol/index.ts';
import { numberOf } from '../../ui/form.tsx';

/** Typed values. An option that is absent or empty has the template's value. */
export type LaunchDraft = Readonly<Partial<Record<LaunchOption, string>>>;

export const launchNames: Readonly<Record<LaunchOption, string>> = {
  limit: 'Limit',
  tags: 'Tags',
  skipTags: 'Skip tags',
  check: 'Check only',
  diff: 'Show differences',
  verbosity: 'Verbosity',
  terraformAction: 'Action',
  arguments: 'Arguments',
  branch: 'Branch',
  commit: 'Commit',
  inventory: 'Inventory',
  environment: 'Environment',
  timeout: 'Timeout',
  priority: 'Priority',
};

const minuteMs = 60_000;

export const textOf = (option: LaunchOption, value: unknown): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.join(option === 'arguments' ? '\n' : ', ');
  return option === 'timeout' ? String(Number(value) / minuteMs) : String(value);
};

const parts = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((part) => (separator === ',' ? part.trim() : part))
    .filter((part) => part !== '');

const valueFrom = (option: LaunchOption, text: string): unknown => {
  switch (option) {
    case 'check':
    case 'diff':
      return text === 'true';
    case 'verbosity':
    case 'priority':
      return numberOf(text);
    case 'timeout':
      return Math.round(numberOf(text) * minuteMs);
    case 'tags':
    case 'skipTags':
      return parts(text, ',');
    case 'arguments':
      return parts(text, '\n');
    default:
      return text.trim();
  }
};

/** Text of a field: the typed value, otherwise the template's. */
export const shownText = (template: LaunchTemplate, draft: LaunchDraft, option: LaunchOption): string =>
  draft[option] ?? textOf(option, templateValue(template, option));

/** Typed values of `options`, as the API takes them. */
export const typedValues = (draft: LaunchDraft, options: readonly LaunchOption[]): Record<string, unknown> =>
  nestValues(
    options.flatMap((option) => {
      const text = draft[option] ?? '';
      return text.trim() === '' ? [] : [[option, valueFrom(option, text)] as const];
    }),
  );

/** Typed values of `options` that differ from the template's. */
export const changedValues = (
  template: LaunchTemplate,
  draft: LaunchDraft,
  options: readonly LaunchOption[],
): Record<string, unknown> =>
  typedValues(
    draft,
    options.filter((option) => draft[option] !== textOf(option, templateValue(template, option))),
  );

export const draftOf = (values: Iterable<readonly [LaunchOption, unknown]>): LaunchDraft =>
  Object.fromEntries([...values].map(([option, value]) => [option, textOf(option, value)]));

/** Draft from the values of a schedule or an integration. */
export const savedDraft = (saved: LaunchValues): LaunchDraft =>
  draftOf(
    launchOption.options.flatMap((option) => {
      const value = givenValue(saved, option);
      return value === undefined ? [] : [[option, value] as const];
    }),
  );
