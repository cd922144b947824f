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
  /** What else to do once the agent is installed, in bash. */
  readonly script?: string | undefined;
}

/** Ends the texts of files in the script; no unit has such a line. */
const end = 'END_OF_FILE';

/** Installs the agent and what it runs, for Amazon Linux 2023. Its output is in /var/log/cloud-init-output.log. */
export const runnerUserData = ({
  agentLocation,
  agentSha256,
  service,
  path,
  enroll,
  script = '',
}: RunnerUserData): string => `#!/bin/bash
set -euo pipefail

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

again dnf install --assumeyes nodejs24 git-core openssh-clients python3
# Only tasks of the app ansible need it, and they say so when it is missing.
again dnf install --assumeyes ansible-core || echo 'ansible-core is not installed'

id reveille || useradd --system --create-home --home-dir /var/lib/reveille --shell /sbin/nologin reveille
install --directory --mode 0755 /opt/reveille
install --directory --mode 0700 --owner reveille --group reveille /etc/reveille
again fetch_agent
chmod 0755 /opt/reveille/reveille-runner.mjs

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
${enroll === undefined ? '' : 'systemctl enable --now --no-block reveille-enroll.service\n'}${script.replace(/^#!.*\n/, '')}`;
