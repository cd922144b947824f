/** Ansible's results on each host, from our own callback plugin: ansible-core has none that writes JSON. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostResult, hostResults, maxHostResults } from '../../protocol/result.ts';
import { readTaskFile } from '../task/task-file.ts';
import type { Workspace } from '../task/workspace.ts';

const plugin = `import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: reveille_hosts
type: aggregate
short_description: Writes the recap of each host to a file
description: Writes the recap of each host to the file that REVEILLE_ANSIBLE_HOSTS names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "reveille_hosts"

    def v2_playbook_on_stats(self, stats):
        hosts = []
        for host in sorted(stats.processed)[:${maxHostResults}]:
            counts = stats.summarize(host)
            counts["failed"] = counts.pop("failures")
            hosts.append(dict(counts, host=host))
        path = os.environ.get("REVEILLE_ANSIBLE_HOSTS")
        if path:
            with open(path, "w") as file:
                json.dump(hosts, file)
`;

const resultIn = (workspace: Workspace) => join(workspace.temporary, 'ansible-hosts.json');

/** Size limit of an ansible.cfg. Real ones have some kilobytes. */
const maxConfigBytes = 256 * 1024;
/** Size limit of the results. A recap has about 150 bytes for each host. */
const maxHostsBytes = 2 * 1024 * 1024;

/** Plugins that the repository's own ansible.cfg names. The variable below would hide them. */
const ownPlugins = async (source: string, signal: AbortSignal): Promise<string[]> => {
  const file = { within: source, path: join(source, 'ansible.cfg'), maxBytes: maxConfigBytes, signal };
  const config = (await readTaskFile(file)) ?? '';
  const [, paths] = /^\s*callback_plugins\s*=\s*(\S.*?)\s*$/m.exec(config) ?? [];
  return paths === undefined ? [] : [paths];
};

/** Installs the plugin in the workspace, and returns the environment that makes Ansible use it. */
export const tellHosts = async (
  workspace: Workspace,
  signal: AbortSignal,
): Promise<Record<string, string>> => {
  const folder = join(workspace.root, 'ansible-plugins');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'reveille_hosts.py'), plugin);
  return {
    ANSIBLE_CALLBACK_PLUGINS: [folder, ...(await ownPlugins(workspace.source, signal))].join(':'),
    REVEILLE_ANSIBLE_HOSTS: resultIn(workspace),
  };
};

/** Returns undefined when Ansible did not reach its recap, or the task replaced the file. */
export const readHosts = async (
  workspace: Workspace,
  signal: AbortSignal,
): Promise<HostResult[] | undefined> => {
  const path = resultIn(workspace);
  const text = await readTaskFile({ within: workspace.temporary, path, maxBytes: maxHostsBytes, signal });
  try {
    return hostResults.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
};
