/** Apps: the programs that run tasks. */
import * as z from 'zod';

export const app = z.enum(['ansible', 'terraform', 'tofu', 'bash', 'python', 'powershell']);
export type App = z.infer<typeof app>;

/** Names of apps as people read them. */
export const appNames: Readonly<Record<App, string>> = {
  ansible: 'Ansible playbook',
  terraform: 'Terraform',
  tofu: 'OpenTofu',
  bash: 'Bash script',
  python: 'Python script',
  powershell: 'PowerShell script',
};

/** Returns true for apps that plan and ask before they apply. */
export const isTerraform = (name: App): boolean => name === 'terraform' || name === 'tofu';
