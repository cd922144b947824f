/** Apps that this agent can run. */
import type { App as AppName } from '../../protocol/template.ts';
import { ansible } from './ansible.ts';
import type { App } from './app.ts';
import { bash } from './bash.ts';
import { powershell } from './powershell.ts';
import { python } from './python.ts';
import { terraform, tofu } from './terraform.ts';

export const apps: Record<AppName, App> = { ansible, terraform, tofu, bash, python, powershell };
