/** Switches between light, dark and the system's theme. */
import { type ReactNode, useId, useState } from 'react';
import { Icon } from '../ui/icons.tsx';
import { chooseTheme, readTheme, type Theme, themes } from './theme.ts';

const looks = {
  system: { text: 'System', icon: 'auto' },
  light: { text: 'Light', icon: 'sun' },
  dark: { text: 'Dark', icon: 'moon' },
} as const;

export const ThemeSwitch = (): ReactNode => {
  // One switch is at the side and one behind the menu button: with the same name, only one of them could be
  // checked.
  const group = useId();
  const [chosen, setChosen] = useState(readTheme);
  const choose = (theme: Theme) => {
    chooseTheme(theme);
    setChosen(theme);
  };
  return (
    <fieldset className="theme-switch">
      <legend className="only-heard">Theme</legend>
      {themes.map((theme) => (
        <label key={theme} title={looks[theme].text}>
          <input
            type="radio"
            name={group}
            checked={chosen === theme}
            aria-label={looks[theme].text}
            onChange={() => choose(theme)}
          />
          <Icon name={looks[theme].icon} />
        </label>
      ))}
    </fieldset>
  );
};
