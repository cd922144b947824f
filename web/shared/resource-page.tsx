/** Page of any kind of resource in a project: a list, and a sheet to create, edit and duplicate one. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type * as z from 'zod';
import { pathOf } from '../../protocol/endpoints/call.ts';
import type { resourceEndpoints } from '../../protocol/endpoints/resources.ts';
import { pages } from '../data/list.ts';
import { call, reading, send } from '../data/request.ts';
import { useMay } from '../data/session.ts';
import { Button } from '../ui/button.tsx';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Empty } from '../ui/empty.tsx';
import { type Form, FormFrame, useForm } from '../ui/form.tsx';
import type { IconName } from '../ui/icons.tsx';
import { type Act, ActionMenu } from '../ui/menu.tsx';
import { Page } from '../ui/page.tsx';
import type { Column } from '../ui/table/table.tsx';
import { say } from '../ui/toast.tsx';
import { copyName } from './copy-name.ts';
import { SearchFilter } from './filters.tsx';
import { Paged } from './paged.tsx';
import { usePages } from './use-pages.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

interface NamedDraft {
  readonly name: string;
}

export interface FieldsProps<D> {
  readonly form: Form<D>;
  readonly projectId: string;
  /** True while a resource is edited; false for a new one. */
  readonly isEdited: boolean;
}

/**
 * Endpoints of a kind whose items are `T`. Their bodies are `unknown`: the API checks what a form gives, and
 * reports each wrong field by its path, so that forms pass on what was typed.
 */
type ResourceEndpoints<T> = ReturnType<typeof resourceEndpoints<z.ZodType, z.ZodType, z.ZodType<T>>>;

export interface Kind<T extends Named, D extends NamedDraft> {
  /** Name of the kind, such as "template", for sentences. */
  readonly one: string;
  readonly title: string;
  readonly icon: IconName;
  readonly lead: string;
  /** Explains the kind while the list is empty. */
  readonly purpose: string;
  readonly endpoints: ResourceEndpoints<T>;
  /** Expects an item to change by itself. @default none does */
  readonly isLive?: (item: T) => boolean;
  readonly columns: readonly Column<T>[];
  readonly emptyDraft: D;
  readonly draftOf: (item: T) => D;
  readonly inputOf: (draft: D) => unknown;
  readonly Fields: (props: FieldsProps<D>) => ReactNode;
  /** Removes from a copy's draft the values that cannot be copied. @default copies everything */
  readonly stripCopy?: (draft: D) => D;
  /** Called with what was created, for values that are shown only once. */
  readonly onMade?: (made: T) => void;
  readonly acts?: (item: T) => readonly (Act | false)[];
  /** Warning before a deletion. */
  readonly deletionNote?: string;
}

type Opened<T, D> =
  | { readonly what: 'new'; readonly draft: D }
  | { readonly what: 'edit'; readonly item: T }
  | { readonly what: 'delete'; readonly item: T };

interface ResourcePageProps<T extends Named, D extends NamedDraft> {
  readonly kind: Kind<T, D>;
  readonly projectId: string;
}

export const ResourcePage = <T extends Named, D extends NamedDraft>({
  kind,
  projectId,
}: ResourcePageProps<T, D>): ReactNode => {
  const { one, title, endpoints } = kind;
  const client = useQueryClient();
  const { q } = useSearch({ strict: false });
  const navigate = useNavigate();
  const list = usePages(
    pages<T>(
      (query) => reading(endpoints.list, { params: { projectId }, query }),
      { search: q },
      kind.isLive,
    ),
  );
  const items = list.data ?? [];
  const hasAny = items.length > 0 || q !== undefined;
  const many = title.toLowerCase();
  const isManager = useMay(projectId, 'manager');
  const [opened, open] = useState<Opened<T, D>>();
  const close = () => open(undefined);
  const paramsOf = ({ id }: T) => ({ projectId, [endpoints.idParam]: id });
  const refresh = () => client.invalidateQueries({ queryKey: [pathOf(endpoints.list, { projectId })] });
  const create = async (draft: D) => {
    const made = await call(endpoints.create, { params: { projectId }, body: kind.inputOf(draft) });
    await refresh();
    close();
    kind.onMade?.(made);
    say(`The ${one} is created.`);
  };
  const replace = async (item: T, draft: D) => {
    await send(endpoints.replace, { params: paramsOf(item), body: kind.inputOf(draft) });
    await refresh();
    close();
    say(`The ${one} is saved.`);
  };
  const remove = async (item: T) => {
    await call(endpoints.remove, { params: paramsOf(item) });
    await refresh();
    say(`${item.name} is deleted.`);
  };
  const copyOf = (item: T): D => {
    const draft = kind.draftOf(item);
    const named = items.map(({ name }) => name);
    return { ...(kind.stripCopy?.(draft) ?? draft), name: copyName(item.name, named) };
  };
  const actsOf = (item: T): (Act | false)[] => [
    ...(kind.acts?.(item) ?? []),
    isManager && { label: 'Edit', onAct: () => open({ what: 'edit', item }) },
    isManager && { label: 'Duplicate', onAct: () => open({ what: 'new', draft: copyOf(item) }) },
    isManager && { label: 'Delete', onAct: () => open({ what: 'delete', item }), isDangerous: true },
  ];
  const [first, ...others] = kind.columns;
  const columns: Column<T>[] = [
    {
      header: 'Name',
      render: (item) => (
        <>
          {isManager ? (
            <button type="button" className="name-button" onClick={() => open({ what: 'edit', item })}>
              {item.name}
            </button>
          ) : (
            <strong>{item.name}</strong>
          )}
          {first?.header === 'Name' && first.render(item)}
        </>
      ),
    },
    ...(first && first.header !== 'Name' ? [first] : []),
    ...others,
    {
      header: 'Actions',
      isHeaderHidden: true,
      align: 'right',
      render: (item) => <ActionMenu label={`Actions for ${item.name}`} acts={actsOf(item)} />,
    },
  ];
  const add = isManager && (
    <Button look="primary" icon="plus" onPress={() => open({ what: 'new', draft: kind.emptyDraft })}>
      New {one}
    </Button>
  );
  return (
    <Page title={title} lead={kind.lead} actions={hasAny && add}>
      {hasAny && (
        <search className="filters">
          <SearchFilter
            label={`Search ${many}`}
            placeholder="Name, description or tag"
            value={q}
            onChange={(typed) => navigate({ to: '.', search: { q: typed }, replace: true })}
          />
        </search>
      )}
      <Paged
        list={list}
        one={one}
        many={many}
        isFiltered={q !== undefined}
        empty={
          <Empty icon={kind.icon} title={`No ${one} yet`} action={add}>
            {kind.purpose} {!isManager && 'Ask a manager of the project to add one.'}
          </Empty>
        }
        label={title}
        columns={() => columns}
      />
      {opened?.what === 'new' && (
        <Editor
          kind={kind}
          projectId={projectId}
          title={`New ${one}`}
          action={`Create ${one}`}
          draft={opened.draft}
          isEdited={false}
          onSave={create}
          onClose={close}
        />
      )}
      {opened?.what === 'edit' && (
        <Editor
          kind={kind}
          projectId={projectId}
          title={`Edit ${opened.item.name}`}
          action="Save"
          draft={kind.draftOf(opened.item)}
          isEdited
          onSave={(draft) => replace(opened.item, draft)}
          onClose={close}
        />
      )}
      {opened?.what === 'delete' && (
        <Confirm
          title={`Delete ${opened.item.name}?`}
          action={`Delete ${one}`}
          onConfirm={() => remove(opened.item)}
          onClose={close}
        >
          {kind.deletionNote ?? `This cannot be undone. A ${one} that is in use cannot be deleted.`}
        </Confirm>
      )}
    </Page>
  );
};

interface EditorProps<T extends Named, D extends NamedDraft> extends ResourcePageProps<T, D> {
  readonly title: string;
  readonly action: string;
  readonly draft: D;
  readonly isEdited: boolean;
  readonly onSave: (draft: D) => Promise<void>;
  readonly onClose: () => void;
}

const Editor = <T extends Named, D extends NamedDraft>({
  kind,
  projectId,
  title,
  action,
  draft,
  isEdited,
  onSave,
  onClose,
}: EditorProps<T, D>): ReactNode => {
  const form = useForm(draft, onSave);
  return (
    <Dialog title={title} onClose={onClose} shape="sheet">
      <FormFrame form={form} action={action}>
        <kind.Fields form={form} projectId={projectId} isEdited={isEdited} />
      </FormFrame>
    </Dialog>
  );
};
