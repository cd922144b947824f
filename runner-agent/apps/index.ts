/** Apps that this agent can run. */
import type { App as AppName } from '../../protocol/app.ts';
import { ansible } from './ansible.ts';
import type { App } from './app.ts';
import { scripts } from './scripts.ts';
import { terraform, tofu } from './terraform.ts';

export const apps: Record<AppName, App> = { ansible, terraform, tofu, ...scripts };
