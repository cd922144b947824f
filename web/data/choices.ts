/** Choices of a field or a filter: a few of one kind, or the ones that a search finds. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { pathOf } from '../../protocol/endpoints/call.ts';
import { type Choice, choiceEndpoints } from '../../protocol/endpoints/choices.ts';
import type { ListPage } from './list.ts';
import { call } from './request.ts';

/** Maximum choices that are listed at once; with more, the user searches. */
const atOnce = 50;

const choicesOf = (many: string) => {
  const { list, get } = choiceEndpoints(many);
  return (projectId: string) => {
    const path = pathOf(list, { projectId });
    const readSome = (search: string, cursor: string | undefined, signal: AbortSignal) => {
      const query = { limit: atOnce, search: search || undefined, cursor };
      return call(list, { params: { projectId }, query }, { signal });
    };
    return {
      /** The choices that a text matches; the first ones without it. All of them when there is no cursor. */
      matching: (search: string) =>
        queryOptions({
          queryKey: [path, 'choices', search],
          queryFn: async ({ signal }): Promise<ListPage<Choice>> => {
            const items: Choice[] = [];
            let cursor: string | undefined;
            do {
              const page = await readSome(search, cursor, signal);
              items.push(...page.items);
              cursor = page.nextCursor;
            } while (cursor !== undefined && items.length < atOnce);
            return { items, nextCursor: cursor };
          },
          placeholderData: keepPreviousData,
        }),
      /** The one that is chosen. */
      one: (id: string) =>
        queryOptions({
          queryKey: [path, 'choice', id],
          queryFn: ({ signal }) => call(get, { params: { projectId, id } }, { signal }),
        }),
    };
  };
};
export type Choices = ReturnType<ReturnType<typeof choicesOf>>;

export const templateChoices = choicesOf('templates');
export const inventoryChoices = choicesOf('inventories');
export const repositoryChoices = choicesOf('repositories');
export const keyChoices = choicesOf('keys');
export const environmentChoices = choicesOf('environments');
export const runnerChoices = choicesOf('runners');

const asChoice = (tag: string): Choice => ({ id: tag, name: tag });

/** Tags of a project's runners: those of the first runners that a search for a tag finds. */
export const tagChoices = (projectId: string): Choices => {
  const runners = runnerChoices(projectId);
  return {
    matching: (search) => {
      const wanted = search.toLowerCase();
      return {
        ...runners.matching(search),
        select: ({ items, nextCursor }) => {
          const tags = [...new Set(items.flatMap(({ tags: all = [] }) => all))].sort();
          return {
            items: tags.filter((tag) => tag.toLowerCase().includes(wanted)).map(asChoice),
            nextCursor,
          };
        },
      };
    },
    one: (tag) => queryOptions({ queryKey: ['tag', tag], queryFn: () => asChoice(tag) }),
  };
};
