/** Button that opens a menu of actions. */
import type { ReactNode } from 'react';
import { Menu as AriaMenu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { IconButton } from './button.tsx';

export interface Act {
  readonly label: string;
  readonly onAct: () => void;
  readonly isDangerous?: boolean;
}

/** Menu of actions. `label` names their subject. */
export const ActionMenu = ({
  label,
  acts,
}: {
  readonly label: string;
  readonly acts: readonly (Act | false)[];
}): ReactNode => {
  const shown = acts.filter((act) => act !== false);
  if (shown.length === 0) return null;
  return (
    <MenuTrigger>
      <IconButton icon="more" label={label} />
      <Popover className="popover" placement="bottom end">
        <AriaMenu className="menu" aria-label={label}>
          {shown.map(({ label: text, onAct, isDangerous }) => (
            <MenuItem key={text} onAction={onAct} className={isDangerous ? 'danger' : ''}>
              {text}
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
};
