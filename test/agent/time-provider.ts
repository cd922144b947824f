/**
 * Terraform's provider `time`, which `go install github.com/hashicorp/terraform-provider-time@v0.12.1` makes.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './tools.ts';

/** Name of its program. */
export const timeProvider = 'terraform-provider-time';

/** Makes a mirror with the provider in the folder. Returns the environment that makes Terraform use it. */
export const provideTime = (folder: string): Record<string, string> => {
  const platform = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const version = join(folder, 'mirror/registry.terraform.io/hashicorp/time/0.12.1', platform);
  mkdirSync(version, { recursive: true });
  copyFileSync(run('which', [timeProvider]).trim(), join(version, `${timeProvider}_v0.12.1`));
  const config = join(folder, 'terraformrc');
  const mirror = `filesystem_mirror { path = "${join(folder, 'mirror')}" }`;
  writeFileSync(config, `provider_installation {\n  ${mirror}\n}\n`);
  return { TF_CLI_CONFIG_FILE: config };
};
