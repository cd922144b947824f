/** Script that a runner instance runs once, at its first boot. */

export interface RunnerUserData {
  /** S3 URL of the agent's bundle. */
  readonly agentLocation: string;
  /** SHA-256 of the bundle, in hex; the download is compared with it before the installation. */
  readonly agentSha256: string;
  /** Systemd unit that runs the agent. */
  readonly service: string;
  /** Systemd unit that starts the agent once the runner has its credentials. */
  readonly path: string;
  /**
   * Systemd unit that gets the credentials by a proof of the instance's identity. @default an operator
   * provides them
   */
  readonly enroll?: string;
  /**
   * Reporter of a failed first boot, for instances that enrol: a Python program, and the region's STS host.
   */
  readonly report?: { readonly program: string; readonly stsHost: string };
  /** Script that keeps tasks from the instance's role at each start. @default tasks may use the role */
  readonly closeMetadata?: string;
  /** Bash lines that run once the agent is installed. */
  readonly script?: string;
}

/** End marker of files' texts in the script; no unit has such a line. */
const end = 'END_OF_FILE';

/**
 * Reports a failure of the script to the API, and makes cloud-init run it again at the next boot, instead of
 * once per instance. The fleet's script comes later: by then the agent is installed.
 */
const reportFailure = ({ program, stsHost }: NonNullable<RunnerUserData['report']>): string => `step='start'
report_failure() {
  rm -f /var/lib/cloud/instance/sem/config_scripts_user
  python3 - '${stsHost}' "$step" "$(tail -n 5 /var/log/cloud-init-output.log)" <<'${end}'
${program.trimEnd()}
${end}
}
trap '[ $? = 0 ] || report_failure' EXIT
`;

/** Installs what the unit runs before the agent, or has it run nothing. */
const metadataStep = (closeMetadata: string | undefined): string =>
  closeMetadata === undefined
    ? `install --directory /etc/systemd/system/reveille-runner.service.d
printf '[Service]\\nExecStartPre=\\n' > /etc/systemd/system/reveille-runner.service.d/open-metadata.conf`
    : `cat > /opt/reveille/close-metadata <<'${end}'
${closeMetadata.trimEnd()}
${end}
chmod 0755 /opt/reveille/close-metadata`;

/**
 * Installs the agent and its dependencies on Amazon Linux 2023. The output is in
 * /var/log/cloud-init-output.log.
 */
export const runnerUserData = ({
  agentLocation,
  agentSha256,
  service,
  path,
  enroll,
  report,
  closeMetadata,
  script = '',
}: RunnerUserData): string => `#!/bin/bash
set -euo pipefail
${report === undefined ? '' : reportFailure(report)}
# Another process may hold dnf's lock, and the network or a mirror may not be there yet: six tries within about a minute of waiting.
again() {
  for wait in 2 4 8 16 30; do
    if "$@"; then return; fi
    echo "Failed, and is tried again in $wait s: $*"
    sleep "$wait"
  done
  "$@"
}
fetch_agent() {
  aws s3 cp --only-show-errors '${agentLocation}' /opt/reveille/reveille-runner.mjs.new &&
    echo '${agentSha256}  /opt/reveille/reveille-runner.mjs.new' | sha256sum --check --quiet &&
    mv /opt/reveille/reveille-runner.mjs.new /opt/reveille/reveille-runner.mjs
}

step='install Node.js and git'
again dnf install --assumeyes nodejs24 git-core openssh-clients python3 nftables findutils util-linux
# Only tasks of the app ansible need it, and they say so when it is missing.
again dnf install --assumeyes ansible-core || echo 'ansible-core is not installed'

step='make the users of tasks and caches, and the folders'
for n in {0..15}; do
  echo "u reveille-task-$n - - /var/lib/reveille/homes/reveille-task-$n"
  echo "u reveille-cache-$n - - /nonexistent"
done > /etc/sysusers.d/reveille.conf
systemd-sysusers /etc/sysusers.d/reveille.conf
install --directory --mode 0755 /opt/reveille
install --directory --mode 0700 /etc/reveille
step='download the agent'
again fetch_agent
chmod 0755 /opt/reveille/reveille-runner.mjs

step='install the agent'
cat > /usr/local/bin/reveille-runner <<'${end}'
#!/bin/sh
exec /usr/bin/node-24 /opt/reveille/reveille-runner.mjs "$@"
${end}
chmod 0755 /usr/local/bin/reveille-runner

${metadataStep(closeMetadata)}
cat > /etc/systemd/system/reveille-runner.service <<'${end}'
${service.trimEnd()}
${end}
cat > /etc/systemd/system/reveille-runner.path <<'${end}'
${path.trimEnd()}
${end}
${enroll === undefined ? '' : `cat > /etc/systemd/system/reveille-enroll.service <<'${end}'\n${enroll.trimEnd()}\n${end}\n`}systemctl daemon-reload
systemctl enable reveille-runner.service
systemctl enable --now reveille-runner.path
${enroll === undefined ? '' : 'systemctl enable --now --no-block reveille-enroll.service\n'}${report === undefined ? '' : 'trap - EXIT\n'}${script.replace(/^#!.*\n/, '')}`;
