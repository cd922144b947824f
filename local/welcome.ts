/** Welcome text of `npm start`: the API's URL, the token, and three lines to paste into bash. */

export interface Welcome {
  readonly url: string;
  readonly dataDir: string;
  /** Admin token; only at the first start with the data folder. */
  readonly adminToken?: string;
  /** Sign-in of an existing user. */
  readonly signIn?: { readonly email: string; readonly password: string };
  /** A stopped instance without a runner, and the path of its runner's config file. */
  readonly instance?: { readonly id: string; readonly configFile: string };
}

/** Quotes text for bash: single quotes disable every special character. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const post = (path: string, body: string, more = ''): string =>
  `curl -sS${more} "$URL${path}" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d ${body}`;

/** Reads the new resource's path from a POST's Location header (needs curl 7.84 or later). */
const locationOf = (command: string): string => `$(${command})`;
const printLocation = ` -o /dev/null -w '%header{location}'`;

/**
 * Commands for a project, a runner for the instance, and a template with a task. The runner's answer is the
 * agent's config file.
 */
export const curlLines = (instance: NonNullable<Welcome['instance']>): string[] => {
  const runner = quote(JSON.stringify({ name: 'first', tags: ['demo'], instanceId: instance.id }));
  const template = quote(
    JSON.stringify({
      name: 'hello',
      app: 'bash',
      tag: 'demo',
      script: 'echo "Hello from $HOSTNAME"; sleep 2; date',
    }),
  );
  return [
    `PROJECT=${locationOf(post('/api/projects', quote('{"name":"demo"}'), printLocation))}`,
    post('$PROJECT/runners', runner, ` -o ${quote(instance.configFile)}`),
    `TEMPLATE=${locationOf(post('$PROJECT/templates', template, printLocation))} && ` +
      `TASK=${locationOf(post('$PROJECT/tasks', '"{\\"templateId\\":\\"$(basename $TEMPLATE)\\"}"', printLocation))}`,
  ];
};

/** Link to the console's first setup. Its values are in the fragment, which no server receives. */
const setupLink = ({
  url,
  adminToken,
  instance,
}: Pick<Welcome, 'url' | 'adminToken' | 'instance'>): string => {
  const brought = new URLSearchParams({
    token: adminToken ?? '',
    ...(instance && { instance: instance.id, config: instance.configFile }),
  });
  return `${url}/setup#${brought}`;
};

const browserLine = ({ url, adminToken, signIn, instance }: Omit<Welcome, 'dataDir'>): string => {
  if (signIn) return `In a browser: ${url}, as ${signIn.email} with the password ${signIn.password}`;
  if (!adminToken) return `In a browser: ${url}`;
  return `In a browser: ${setupLink({ url, adminToken, instance })}`;
};

/** Returns the whole text. */
export const welcome = ({ dataDir, ...known }: Welcome): string => {
  const { url, adminToken, instance } = known;
  const [project = '', runner = '', task = ''] = instance ? curlLines(instance) : [];
  const token = adminToken
    ? `TOKEN=${adminToken}`
    : `The admin token was printed at the first start. For a new stack with a new one: npm start -- --data <new folder>`;
  return [
    '',
    `Reveille runs at ${url} (reference: ${url}/api/docs), its data in ${dataDir}. Ctrl-C stops it.`,
    '',
    ...(adminToken ? ['The admin token, shown only now:', ''] : []),
    `  ${token}`,
    '',
    `  ${browserLine(known)}`,
    ...(instance
      ? [
          '',
          'Or paste into bash: a project, a runner on a stopped instance, and a template with a task that wakes it:',
          '',
          `  URL=${url}`,
          `  ${project}`,
          `  ${runner}`,
          `  ${task}`,
          '',
          'The states of the instance are shown below as they change. The task, and its log:',
          '',
          `  curl -sS "$URL$TASK" -H "Authorization: Bearer $TOKEN"`,
          `  curl -sS "$URL$TASK/log" -H "Authorization: Bearer $TOKEN"`,
        ]
      : []),
    '',
  ].join('\n');
};
