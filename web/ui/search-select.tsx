/** Field that chooses one of many: what is typed searches, and the arrow keys choose among what is found. */
import { type ReactNode, useState } from 'react';
import { ComboBox } from 'react-aria-components/ComboBox';
import { Input } from 'react-aria-components/Input';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';

export interface Choice {
  readonly id: string;
  readonly name: string;
}

interface SearchSelectProps {
  readonly label: string;
  /** The chosen one; undefined for none. */
  readonly chosen: Choice | undefined;
  /** Choices that the search has found; undefined while it is under way. */
  readonly found: readonly Choice[] | undefined;
  /** There are more than those. */
  readonly hasMore: boolean;
  /** Receives what is typed; nothing while the chosen one is shown. */
  readonly onSearch: (text: string) => void;
  /** Receives the id; '' for none. */
  readonly onChange: (id: string) => void;
  /** Label of the empty choice; absent where one has to be chosen. */
  readonly none?: string;
  readonly id?: string;
  readonly describedBy?: string;
  readonly isInvalid?: boolean;
  readonly isRequired?: boolean;
}

/** Key of the empty choice. */
const noneKey = 'none';

export const SearchSelect = ({
  label,
  chosen,
  found = [],
  hasMore,
  onSearch,
  onChange,
  none,
  id,
  describedBy,
  isInvalid,
  isRequired,
}: SearchSelectProps): ReactNode => {
  const [typed, setTyped] = useState<string>();
  // What was picked is shown at once, and while its name is read: when the text of a focused field changes,
  // React Aria opens the list again.
  const [picked, setPicked] = useState<Choice>();
  const chosenId = chosen?.id ?? '';
  const [lastId, setLastId] = useState(chosenId);
  if (lastId !== chosenId) {
    setLastId(chosenId);
    if (picked?.id !== chosenId) setPicked(undefined);
  }
  const current = picked?.id === chosenId ? picked : chosen;
  const shown = (picked ?? current)?.name ?? '';
  const type = (text: string) => {
    setTyped(text);
    onSearch(text === shown ? '' : text.trim());
  };
  const settle = () => {
    setTyped(undefined);
    onSearch('');
  };
  // Before a search, the chosen one comes first.
  const isSearch = Boolean(typed) && typed !== shown;
  const items = isSearch
    ? found
    : [
        ...(none === undefined ? [] : [{ id: noneKey, name: none }]),
        ...(current && current.id !== '' ? [current] : []),
        ...found.filter((one) => one.id !== chosenId),
      ];
  return (
    <ComboBox<Choice>
      aria-label={label}
      aria-describedby={describedBy}
      id={id}
      className="search-select"
      items={items}
      inputValue={typed ?? shown}
      onInputChange={type}
      value={chosen?.id ?? null}
      onChange={(key) => {
        // Null: the text was emptied, for another one to be typed.
        if (key === null) return;
        const one = items.find((item) => item.id === key);
        setPicked(key === noneKey ? { id: '', name: '' } : one);
        onChange(key === noneKey ? '' : String(key));
        settle();
      }}
      onBlur={settle}
      menuTrigger="focus"
      allowsEmptyCollection
      isInvalid={isInvalid}
      isRequired={isRequired}
      validationBehavior="aria"
    >
      <Input placeholder={none ?? 'Type to search'} spellCheck={false} autoComplete="off" />
      <Popover className="popover search-found">
        <ListBox<Choice> className="menu" renderEmptyState={() => <p className="quiet-text">None found.</p>}>
          {({ id: key, name }) => (
            <ListBoxItem id={key} textValue={name}>
              {name}
            </ListBoxItem>
          )}
        </ListBox>
        {hasMore && <p className="quiet-text small-text">There are more: type a part of the name.</p>}
      </Popover>
    </ComboBox>
  );
};
