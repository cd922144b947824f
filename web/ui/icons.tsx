/** Icons, drawn on a grid of 16. They are hidden from screen readers, which read the words beside them. */
import type { ReactNode } from 'react';

const shapes = {
  dashboard: 'M2 9.5 8 3l6 6.5M3.5 8v5.5h9V8',
  tasks: 'M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5',
  runners: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  costs: 'M2.5 13.5v-4M6.2 13.5v-7M9.8 13.5v-5M13.5 13.5v-11',
  templates: 'M4 2.5h5.5l3 3v8H4zM9.5 2.5v3h3M6 8.5h4.5M6 11h4.5',
  inventories: 'M3 4h10M3 8h10M3 12h6',
  repositories:
    'M5 3v10M5 8c5 0 6-1 6-3M11 5a1 1 0 1 0 0-2 1 1 0 0 0 0 2ZM5 14.5a1 1 0 1 0 0-2 1 1 0 0 0 0 2ZM5 3.5a1 1 0 1 0 0-2 1 1 0 0 0 0 2Z',
  keys: 'M10.5 9a3.5 3.5 0 1 0-3.3-2.3L2.5 11.5v2h2.5v-1.5h1.5v-1.5h1.5l.7-.8c.5.2 1.2.3 1.8.3ZM11.5 4.5h.01',
  environments: 'M2.5 3.5h11v9h-11zM5 6.5l2 1.5-2 1.5M8.5 10h2.5',
  schedules: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.5V8l2.5 1.5',
  integrations: 'M6 2.5v3M10 2.5v3M4 5.5h8v2.5a4 4 0 0 1-8 0zM8 12v2',
  members:
    'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M10.5 2.8a2.5 2.5 0 0 1 0 4.4M12 9.8c1.6.5 2.5 1.9 2.5 3.7',
  deliveries: 'M2 4h12v8.5H2zM2 4.5l6 4.5 6-4.5',
  audit: 'M4 2.5h8v11l-2-1.2-2 1.2-2-1.2-2 1.2zM6 5.5h4M6 8.5h4',
  tokens: 'M3 6.5h10v7H3zM5.5 6.5v-1.5a2.5 2.5 0 0 1 5 0v1.5M8 9.5v1.5',
  account: 'M8 8a2.8 2.8 0 1 0 0-5.5A2.8 2.8 0 0 0 8 8ZM2.5 14c0-2.8 2.5-4.5 5.5-4.5s5.5 1.7 5.5 4.5',
  menu: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  play: 'M5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  cross: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.5V8l2.5 1.5',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  sun: 'M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  auto: 'M2.5 3h11v8h-11zM6 13.5h4',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  download: 'M8 2.5v7.5M4.5 7L8 10.5 11.5 7M2.5 13.5h11',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5l3.5 3.5',
  up: 'M3.5 10L8 5.5l4.5 4.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  right: 'M6 3.5L10.5 8 6 12.5',
  repeat: 'M3 7a5 5 0 0 1 9-2l1 1M13 3v3h-3M13 9a5 5 0 0 1-9 2l-1-1M3 13v-3h3',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.5M8 12h.01',
  signOut: 'M9.5 3h-6v10h6M6.5 8h7.5M11.5 5.5L14 8l-2.5 2.5',
  globe:
    'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2 8h12M8 2c2 1.6 2.8 3.6 2.8 6S10 12.4 8 14M8 2C6 3.6 5.2 5.6 5.2 8S6 12.4 8 14',
  bolt: 'M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z',
  projects: 'M2 4h4.5l1.5 1.5h6v7.5H2z',
} as const;

export type IconName = keyof typeof shapes;

export const Icon = ({ name }: { readonly name: IconName }): ReactNode => (
  <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={shapes[name]} />
  </svg>
);

/** Sun over the horizon. */
export const Logo = (): ReactNode => (
  <svg className="logo" viewBox="0 0 32 24" aria-hidden="true" focusable="false">
    <path d="M8 20a8 8 0 0 1 16 0" fill="currentColor" stroke="none" />
    <path d="M2 20h28M16 3v4M6.5 7l3 3M25.5 7l-3 3" />
  </svg>
);
