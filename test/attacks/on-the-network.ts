/** Attacks on EC2's metadata service, which gives the credentials of the instance's role to all who ask. */
import type { Imds } from '../../runner-agent/testing/imds.ts';
import { startImds } from '../../runner-agent/testing/imds.ts';
import type { Attack } from './attack.ts';

const addresses = ['169.254.169.254', 'fd00:ec2::254'];
const role = 'iam/security-credentials/role';
const credentials = 'credentials-of-the-role';

/** Starts the service on both of its addresses. */
export const openMetadata = async (): Promise<readonly Imds[]> => {
  const all = await Promise.all(addresses.map((address) => startImds({ address, port: 80 })));
  for (const one of all) one.set(role, credentials);
  return all;
};

const gets = (
  url: string,
) => `token=$(curl -sf --max-time 5 -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 60' ${url}/latest/api/token) &&
curl -sf --max-time 5 -H "x-aws-ec2-metadata-token: $token" ${url}/latest/meta-data/${role}; true`;

const getsRole = (name: string, script: string): Attack => ({
  name,
  run: async (lab) => (await lab.run({ script })).output.includes(credentials),
});

/** `metadata` is what openMetadata returned. */
export const onTheNetwork = (metadata: readonly Imds[]): Attack[] => [
  getsRole("gets the credentials of the instance's role", gets('http://169.254.169.254')),
  getsRole("gets the credentials of the instance's role over IPv6", gets("'http://[fd00:ec2::254]'")),
  getsRole(
    "gets the credentials of the instance's role in a session of its own",
    `setsid env -i PATH="$PATH" bash <<'END'\n${gets('http://169.254.169.254')}\nEND`,
  ),
  {
    name: 'has the agent reach the metadata service as a repository',
    run: async (lab) => {
      const before = metadata.map((one) => one.requests());
      await lab.run({ path: 'x', repository: { url: 'http://169.254.169.254/latest', branch: 'main' } });
      return metadata.some((one, index) => one.requests() > (before[index] ?? 0));
    },
  },
];
