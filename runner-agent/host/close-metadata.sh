#!/bin/sh
# Closes EC2's instance metadata service to the users of tasks and of caches: it hands out the credentials of the instance's
# role to every process that reaches it. Run as root at each start of the agent, as rules do not outlive the machine's.
set -eu
ids=$(getent passwd | awk -F: '$1 ~ /^reveille-(task|cache)-[0-9]+$/ { print $3 }')
[ -n "$ids" ] || { echo 'There are no users reveille-task-0 and so on: make them by sysusers.d/reveille.conf' >&2; exit 1; }
if command -v nft >/dev/null; then
  users="{ $(echo $ids | tr ' ' ',') }"
  # Declared first, so that it can be deleted: one transaction puts the new rules in place of the old ones.
  nft -f - <<END
table inet reveille
delete table inet reveille
table inet reveille {
  chain output {
    type filter hook output priority -150
    ip daddr 169.254.169.254 meta skuid $users reject
    ip6 daddr fd00:ec2::254 meta skuid $users reject
  }
}
END
elif command -v iptables >/dev/null; then
  for id in $ids; do
    for rule in 'iptables 169.254.169.254' 'ip6tables fd00:ec2::254'; do
      set -- $rule
      command -v "$1" >/dev/null || continue
      "$1" -w -C OUTPUT -d "$2" -m owner --uid-owner "$id" -j REJECT 2>/dev/null ||
        "$1" -w -I OUTPUT -d "$2" -m owner --uid-owner "$id" -j REJECT
    done
  done
else
  echo 'Neither nft nor iptables is here, so tasks would reach the role of an EC2 instance: install nftables' >&2
  exit 1
fi
