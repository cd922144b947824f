/** The script that a runner instance runs once, at its first boot. */

export interface RunnerUserData {
  /** The S3 URL of the agent's bundle. */
  readonly agentLocation: string;
  /** Of the bundle, in hex: what S3 gives is compared with it before it is installed. */
  readonly agentSha256: string;
  /** The systemd unit that runs the agent. */
  readonly service: string;
  /** The systemd unit that starts it as soon as the runner has its credentials. */
  readonly path: string;
  /** The systemd unit that gets the credentials for proof of which instance it is. @default a person gives them */
  readonly enroll?: string | undefined;
  /** What tells the API why a first boot failed, where there is an enrolment: a program in Python, and the host of STS in the region. */
  readonly report?: { readonly program: string; readonly stsHost: string } | undefined;
  /** What else to do once the agent is installed, in bash. */
  readonly script?: string | undefined;
}

/** Ends the texts of files in the script; no unit has such a line. */
const end = 'END_OF_FILE';

/**
 * Tells the API why the script failed, and has cloud-init run it again at the next boot, which it does once for an instance otherwise.
 * The script of the fleet comes after it: by then the agent is there.
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

/** Installs the agent and what it runs, for Amazon Linux 2023. Its output is in /var/log/cloud-init-output.log. */
export const runnerUserData = ({
  agentLocation,
  agentSha256,
  service,
  path,
  enroll,
  report,
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
again dnf install --assumeyes nodejs24 git-core openssh-clients python3
# Only tasks of the app ansible need it, and they say so when it is missing.
again dnf install --assumeyes ansible-core || echo 'ansible-core is not installed'

step='make the user and its folders'
id reveille || useradd --system --create-home --home-dir /var/lib/reveille --shell /sbin/nologin reveille
install --directory --mode 0755 /opt/reveille
install --directory --mode 0700 --owner reveille --group reveille /etc/reveille
step='download the agent'
again fetch_agent
chmod 0755 /opt/reveille/reveille-runner.mjs

step='install the agent'
cat > /usr/local/bin/reveille-runner <<'${end}'
#!/bin/sh
# As the user whose service reads what "register" and "setup" write.
set -- /usr/bin/node-24 /opt/reveille/reveille-runner.mjs "$@"
if [ "$(id -un)" = reveille ]; then exec "$@"; else exec runuser -u reveille -- "$@"; fi
${end}
chmod 0755 /usr/local/bin/reveille-runner

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
