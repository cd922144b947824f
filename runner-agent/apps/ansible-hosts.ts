/** What Ansible did to each host: told by a callback plugin of ours, as ansible-core has none that writes JSON. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostResult, hostResults, maxHostResults } from '../../protocol/result.ts';
import type { Workspace } from '../workspace.ts';

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

/** The plugins that the repository's own ansible.cfg names; the variable below would hide them. */
const ownPlugins = async (source: string): Promise<string[]> => {
  const config = await readFile(join(source, 'ansible.cfg'), 'utf8').catch(() => '');
  const [, paths] = /^\s*callback_plugins\s*=\s*(\S.*?)\s*$/m.exec(config) ?? [];
  return paths === undefined ? [] : [paths];
};

/** Installs the plugin in the workspace; answers with the environment that makes Ansible use it. */
export const tellHosts = async (workspace: Workspace): Promise<Record<string, string>> => {
  const folder = join(workspace.root, 'ansible-plugins');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'reveille_hosts.py'), plugin);
  return {
    ANSIBLE_CALLBACK_PLUGINS: [folder, ...(await ownPlugins(workspace.source))].join(':'),
    REVEILLE_ANSIBLE_HOSTS: resultIn(workspace),
  };
};

/** Undefined when Ansible did not come to its recap. */
export const readHosts = async (workspace: Workspace): Promise<HostResult[] | undefined> => {
  try {
    return hostResults.parse(JSON.parse(await readFile(resultIn(workspace), 'utf8')));
  } catch {
    return undefined;
  }
};
