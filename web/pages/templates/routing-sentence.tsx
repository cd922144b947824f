/**
 * Explains under a tag which runners would take a task with it now, and why. The control plane answers with
 * the code that routes.
 */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { tag as tagSchema } from '../../../protocol/index.ts';
import { tagChoices } from '../../data/choices.ts';
import { routingQuery } from '../../data/dashboard.ts';
import { messageOf } from '../../data/request.ts';
import { TextField } from '../../ui/field.tsx';
import { Icon } from '../../ui/icons.tsx';
import { useSettled } from '../../ui/settled.ts';

interface RoutingSentenceProps {
  readonly projectId: string;
  readonly tag: string;
  /** Inventory whose tag applies when the template has none. */
  readonly inventoryId?: string;
}

export const RoutingSentence = ({ projectId, tag, inventoryId = '' }: RoutingSentenceProps): ReactNode => {
  const wanted = useSettled(tag.trim());
  const isTag = wanted === '' || tagSchema.safeParse(wanted).success;
  const { data, error } = useQuery({
    ...routingQuery(projectId, { tag: wanted || undefined, inventoryId: inventoryId || undefined }),
    enabled: isTag,
  });
  const text = isTag ? (error ? messageOf(error) : data?.sentence) : 'This cannot be a tag.';
  return (
    <p className="sentence" aria-live="polite">
      <Icon name="bolt" />
      <span>{text ?? 'Looking up matching runners…'}</span>
    </p>
  );
};

interface TagFieldProps {
  readonly projectId: string;
  readonly value: string;
  readonly onChange: (tag: string) => void;
  readonly error: string | undefined;
  readonly hint: string;
}

/** Field for one tag, with the tags of the project's runners to choose from. */
export const TagField = ({ projectId, ...field }: TagFieldProps): ReactNode => {
  const { data: known } = useQuery(tagChoices(projectId).matching(useSettled(field.value.trim())));
  return <TextField label="Tag" list={known?.items.map(({ name }) => name) ?? []} {...field} />;
};
