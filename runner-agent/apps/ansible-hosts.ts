/** Ansible's results on each host, from our own callback plugin: ansible-core has none that writes JSON. */
import { dirname, join, resolve } from 'node:path';
import { type HostResult, hostResults, maxHostResults } from '../../protocol/result.ts';
import type { Workspace } from '../task/workspace.ts';
import type { Job } from './app.ts';

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

const resultIn = (workspace: Workspace) => workspace.privatePath('ansible-hosts.json');

/** Size limit of an ansible.cfg. Real ones have some kilobytes. */
const maxConfigBytes = 256 * 1024;
/** Size limit of the results. A recap has about 150 bytes for each host. */
const maxHostsBytes = 2 * 1024 * 1024;

/** Folders of callback plugins in Ansible, below its home. */
const defaultFolders = (home: string) => `${home}/plugins/callback:/usr/share/ansible/plugins/callback`;

/** Ansible's config files, of which it reads the first that exists (`ansible --help`, "CONFIGURATION"). */
const configFiles = ({ payload, workspace: { source } }: Job): string[] => {
  const named = payload.variables.ANSIBLE_CONFIG;
  const path = named ? [resolve(source, named)] : [];
  return [...path, ...path.map((folder) => join(folder, 'ansible.cfg')), join(source, 'ansible.cfg'), etc];
};
const etc = '/etc/ansible/ansible.cfg';

/** Reads the first config. A path that Ansible would expand by itself stays as it is. */
const foldersOfConfig = async (job: Job): Promise<string | undefined> => {
  for (const path of configFiles(job)) {
    const config = await job.files.read(path, maxConfigBytes, job.end);
    if (config === undefined) continue;
    const [, folders] = /^\s*callback_plugins\s*[=:]\s*(\S.*?)\s*$/m.exec(config) ?? [];
    const absolute = (folder: string) => (/^[~$/{]/.test(folder) ? folder : join(dirname(path), folder));
    return folders?.split(':').map(absolute).join(':');
  }
  return undefined;
};

/** Returns the folders in which Ansible looks without ours. The variable below hides them. */
const ownFolders = async (job: Job): Promise<string> => {
  const { ANSIBLE_CALLBACK_PLUGINS: named, ANSIBLE_HOME: home = '~/.ansible' } = job.payload.variables;
  return named ?? (await foldersOfConfig(job)) ?? defaultFolders(home);
};

/** Installs the plugin in the workspace, and returns the environment that makes Ansible use it. */
export const tellHosts = async (job: Job): Promise<Record<string, string>> => {
  const path = await job.workspace.writePlain('ansible-plugins/reveille_hosts.py', plugin);
  return {
    ANSIBLE_CALLBACK_PLUGINS: `${dirname(path)}:${await ownFolders(job)}`,
    REVEILLE_ANSIBLE_HOSTS: resultIn(job.workspace),
  };
};

/** Returns undefined when Ansible did not reach its recap, or the task replaced the file. */
export const readHosts = async ({ workspace, files, end }: Job): Promise<HostResult[] | undefined> => {
  const text = await files.read(resultIn(workspace), maxHostsBytes, end);
  try {
    return hostResults.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
};
