/**
 * Configuration of the agent. Flags win over REVEILLE_* environment variables, and these over the config
 * file.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { ConfigError } from './errors.ts';
import { logLevels } from './logger.ts';

export const defaultConfigPath = '/etc/reveille/runner.json';
export const defaultWorkDir = '/var/lib/reveille';
const defaultShutdownGrace = '60s';
export const defaultMinFreeMiB = 100;

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Duration in ms, from "90s", "5m", "500ms" or "1h". A bare number is seconds. */
export const duration = z.union([z.string(), z.number()]).transform((given, context) => {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(String(given).trim()) ?? [];
  if (amount !== undefined) return Math.round(Number(amount) * (unitMs[unit] ?? 1000));
  context.addIssue({ code: 'custom', message: 'must be a duration such as 90s, 5m or 0' });
  return z.NEVER;
});

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
const pem = z.string().includes('PRIVATE KEY', { error: 'must be a private key in PEM' });

/** Refused, not ignored: who set it would find the separation gone. */
const replaced = z.never(
  'is gone: the agent runs tasks as users of the installation (docs/operating/agent.md)',
);

/** Fields that each source of the configuration of `start` and `unregister` may have. */
const fields = {
  apiUrl: httpUrl,
  token: z.string().min(1),
  privateKey: pem,
  privateKeyFile: z.string().min(1),
  workDir: z.string().min(1),
  shutdownGrace: duration,
  logLevel: z.enum(logLevels),
  runAs: replaced,
  minFreeMib: z.coerce.number().int().min(0),
  metadataUrl: httpUrl,
};

/** Unknown members are ignored: the API's answer to the creation of a runner is a valid config file. */
const configFile = z.object(fields).partial();
type Given = z.infer<typeof configFile>;

/** Environment that the agent reads, parsed once in main.ts. */
export const agentEnvironment = z.object({
  REVEILLE_CONFIG: z.string().optional(),
  REVEILLE_API_URL: httpUrl.optional(),
  REVEILLE_RUNNER_TOKEN: fields.token.optional(),
  REVEILLE_RUNNER_PRIVATE_KEY: pem.optional(),
  REVEILLE_RUNNER_PRIVATE_KEY_FILE: fields.privateKeyFile.optional(),
  REVEILLE_WORK_DIR: fields.workDir.optional(),
  REVEILLE_SHUTDOWN_GRACE: duration.optional(),
  REVEILLE_LOG_LEVEL: fields.logLevel.optional(),
  REVEILLE_RUN_AS: replaced.optional(),
  REVEILLE_MIN_FREE_MIB: fields.minFreeMib.optional(),
  REVEILLE_METADATA_URL: fields.metadataUrl.optional(),
  REVEILLE_REGISTRATION_TOKEN: z.string().min(1).optional(),
  REVEILLE_RUNNER_NAME: z.string().min(1).optional(),
  REVEILLE_MAX_PARALLEL_TASKS: z.coerce.number().int().min(0).optional(),
  REVEILLE_IDLE_TIMEOUT: duration.optional(),
  REVEILLE_INSTANCE_ID: z.string().min(1).optional(),
  REVEILLE_REGION: z.string().min(1).optional(),
  AWS_ENDPOINT_URL_STS: httpUrl.optional(),
  PATH: z.string().default('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'),
});
export type AgentEnvironment = z.infer<typeof agentEnvironment>;

/** Flags of the command line, under the names of the config file. */
export type Flags = Partial<Record<keyof typeof fields | 'config', string>>;

/** Parses the user's input. The ConfigError names the source and each wrong field. */
export const parseGiven = <T>(schema: z.ZodType<T>, value: unknown, source: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) =>
    issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message,
  );
  throw new ConfigError(`${source}: ${issues.join('; ')}`);
};

const hasCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;

const readText = async (path: string, what: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new ConfigError(`${what} ${path} is not there`, { cause: error });
    throw new ConfigError(`${what} ${path} cannot be read`, { cause: error });
  }
};

const parseJson = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`The config file ${path} is not JSON`, { cause: error });
  }
};

const readConfigFile = async (path: string): Promise<Given> => {
  const given = parseGiven(configFile, parseJson(await readText(path, 'The config file'), path), path);
  if (given.privateKeyFile === undefined) return given;
  return { ...given, privateKeyFile: resolve(dirname(path), given.privateKeyFile) };
};

const fromEnvironment = (env: AgentEnvironment): Given => ({
  apiUrl: env.REVEILLE_API_URL,
  token: env.REVEILLE_RUNNER_TOKEN,
  privateKey: env.REVEILLE_RUNNER_PRIVATE_KEY,
  privateKeyFile: env.REVEILLE_RUNNER_PRIVATE_KEY_FILE,
  workDir: env.REVEILLE_WORK_DIR,
  shutdownGrace: env.REVEILLE_SHUTDOWN_GRACE,
  logLevel: env.REVEILLE_LOG_LEVEL,
  minFreeMib: env.REVEILLE_MIN_FREE_MIB,
  metadataUrl: env.REVEILLE_METADATA_URL,
});

/** Merges the sources; later ones win. A key and a key file are the same setting, so either replaces both. */
const merge = (sources: Given[]): Given => {
  const merged: Given = {};
  for (const source of sources) {
    if (source.privateKey !== undefined || source.privateKeyFile !== undefined) {
      delete merged.privateKey;
      delete merged.privateKeyFile;
    }
    const present = Object.entries(source).filter(([, value]) => value !== undefined);
    Object.assign(merged, Object.fromEntries(present));
  }
  return merged;
};

export const configPathOf = (flags: Flags, env: AgentEnvironment): string =>
  flags.config ?? env.REVEILLE_CONFIG ?? defaultConfigPath;

/** Merges all sources. The config file may be absent unless the user named one. */
export const loadGiven = async (flags: Flags, env: AgentEnvironment): Promise<Given> => {
  const path = configPathOf(flags, env);
  const isNamed = flags.config !== undefined || env.REVEILLE_CONFIG !== undefined;
  const file = await readConfigFile(path).catch((error: unknown) => {
    if (!isNamed && error instanceof ConfigError && hasCode(error.cause, 'ENOENT')) return {};
    throw error;
  });
  return merge([file, fromEnvironment(env), parseGiven(configFile, flags, 'Command line')]);
};

export interface StartConfig {
  apiUrl: string;
  token: string;
  /** X25519, PKCS #8 in PEM. */
  privateKey: string;
  workDir: string;
  shutdownGraceMs: number;
  logLevel: (typeof logLevels)[number];
  /** Free disk space that a task needs to start. */
  minFreeMiB?: number;
  /** URL of EC2's instance metadata service. Without it the agent does not check for spot notices. */
  metadataUrl?: string;
}

const missing = (what: string, flag: string, variable: string) =>
  new ConfigError(
    `${what} is missing: run "reveille-runner setup", or give ${flag}, ${variable} or a config file`,
  );

export const requireConnection = (given: Given): { apiUrl: string; token: string } => {
  if (!given.apiUrl) throw missing('The API URL', '--api-url', 'REVEILLE_API_URL');
  if (!given.token) throw missing("The runner's token", '--token', 'REVEILLE_RUNNER_TOKEN');
  return { apiUrl: given.apiUrl, token: given.token };
};

/** Loads the complete settings of `start`. */
export const loadStartConfig = async (flags: Flags, env: AgentEnvironment): Promise<StartConfig> => {
  const given = await loadGiven(flags, env);
  const connection = requireConnection(given);
  const privateKey =
    given.privateKey ??
    (given.privateKeyFile ? await readText(given.privateKeyFile, 'The key file') : undefined);
  if (!privateKey) {
    throw missing('The private key', '--private-key-file', 'REVEILLE_RUNNER_PRIVATE_KEY_FILE');
  }
  return {
    ...connection,
    privateKey,
    workDir: resolve(given.workDir ?? defaultWorkDir),
    shutdownGraceMs: given.shutdownGrace ?? duration.parse(defaultShutdownGrace),
    logLevel: given.logLevel ?? 'info',
    minFreeMiB: given.minFreeMib ?? defaultMinFreeMiB,
    metadataUrl: given.metadataUrl,
  };
};
