/** Launch options as forms have them: a text each, and back to what the API takes. */
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

/** What was typed. An option that is not in it, or is empty, is as the template says. */
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

/** What stands in a field: what was typed, else what the template says. */
export const shownText = (template: LaunchTemplate, draft: LaunchDraft, option: LaunchOption): string =>
  draft[option] ?? textOf(option, templateValue(template, option));

/** As the API takes it: those of `options` that were typed. */
export const typedValues = (draft: LaunchDraft, options: readonly LaunchOption[]): Record<string, unknown> =>
  nestValues(
    options.flatMap((option) => {
      const text = draft[option] ?? '';
      return text.trim() === '' ? [] : [[option, valueFrom(option, text)] as const];
    }),
  );

/** Those of `options` that are otherwise than in the template. */
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

/** Of a schedule or an integration: what it gives. */
export const savedDraft = (saved: LaunchValues): LaunchDraft =>
  draftOf(
    launchOption.options.flatMap((option) => {
      const value = givenValue(saved, option);
      return value === undefined ? [] : [[option, value] as const];
    }),
  );
