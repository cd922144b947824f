/** Light, dark, or as the system has it. */
import { type ReactNode, useState } from 'react';
import { Icon } from '../ui/icons.tsx';
import { chooseTheme, readTheme, type Theme, themes } from './theme.ts';

const looks = {
  system: { text: 'As the system', icon: 'auto' },
  light: { text: 'Light', icon: 'sun' },
  dark: { text: 'Dark', icon: 'moon' },
} as const;

export const ThemeSwitch = (): ReactNode => {
  const [chosen, setChosen] = useState(readTheme);
  const choose = (theme: Theme) => {
    chooseTheme(theme);
    setChosen(theme);
  };
  return (
    <fieldset className="theme-switch">
      <legend className="only-heard">Colours</legend>
      {themes.map((theme) => (
        <label key={theme} title={looks[theme].text}>
          <input
            type="radio"
            name="theme"
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
