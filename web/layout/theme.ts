/**
 * Stores the theme: light, dark, or the system's. `public/theme.js` applies the choice before the first
 * paint.
 */
const key = 'reveille.theme';
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export const readTheme = (): Theme => themes.find((theme) => theme === localStorage.getItem(key)) ?? 'system';

export const chooseTheme = (theme: Theme): void => {
  localStorage.setItem(key, theme);
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
};
