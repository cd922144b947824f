/** Commands that start a new runner, in the ways that docs/using/runners.md describes. */
import type { CreatedRunner } from '../../../protocol/index.ts';

/** Quotes a text for a POSIX shell, where nothing within single quotes has a meaning. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const indent = (text: string, spaces: number): string => text.replaceAll(/^/gm, ' '.repeat(spaces));

/** Config file of the agent: the API's answer, unchanged. */
export const configFile = (made: CreatedRunner): string => `${JSON.stringify(made, null, 2)}\n`;

const unitSteps = [
  'systemctl daemon-reload',
  'systemctl enable reveille-runner.service',
  'systemctl enable --now reveille-runner.path',
];

export interface Way {
  readonly id: string;
  readonly name: string;
  readonly text: string;
  readonly note: string;
  /** True when the text contains the private key. */
  readonly holdsKey: boolean;
}

export const waysToStart = (made: CreatedRunner): Way[] => {
  const { apiUrl, token } = made;
  return [
    {
      id: 'docker',
      holdsKey: false,
      name: 'Docker',
      note: 'First download the private key above, and save it as runner-key.pem in this folder. docs/using/runners.md describes how to build the image.',
      text: [
        'docker run -d --restart unless-stopped --stop-timeout 90 \\',
        `  -e REVEILLE_API_URL=${quote(apiUrl)} \\`,
        `  -e REVEILLE_RUNNER_TOKEN=${quote(token)} \\`,
        '  -e REVEILLE_RUNNER_PRIVATE_KEY_FILE=/etc/reveille/runner-key.pem \\',
        '  -v "$PWD/runner-key.pem:/etc/reveille/runner-key.pem:ro" \\',
        '  reveille-runner',
      ].join('\n'),
    },
    {
      id: 'setup',
      holdsKey: false,
      name: 'Set-up command',
      note: 'On the machine itself. It asks for the token and for the file of the private key.',
      text: `reveille-runner setup --api-url ${quote(apiUrl)}\nreveille-runner start`,
    },
    {
      id: 'systemd',
      holdsKey: true,
      name: 'systemd',
      note: 'As root, where the agent and its units are installed (docs/using/runners.md, On-premises). The agent starts as soon as its config is there.',
      text: [
        "install -m 0600 -o reveille -g reveille /dev/stdin /etc/reveille/runner.json <<'EOF'",
        configFile(made).trimEnd(),
        'EOF',
        ...unitSteps,
      ].join('\n'),
    },
    {
      id: 'cloud-init',
      holdsKey: true,
      name: 'cloud-init',
      note: 'As user data of an image that has the agent and its units. Anyone who may read the instance’s user data can read these secrets.',
      text: [
        '#cloud-config',
        'write_files:',
        '  - path: /etc/reveille/runner.json',
        "    owner: 'reveille:reveille'",
        "    permissions: '0600'",
        '    defer: true',
        '    content: |',
        indent(configFile(made).trimEnd(), 6),
        'runcmd:',
        ...unitSteps.map((step) => `  - ${step}`),
      ].join('\n'),
    },
  ];
};
