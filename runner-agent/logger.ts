/** Logs of the agent on stderr: one line each, with time, level and message. */

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];
export const logLevels = levels;

export type Logger = Record<LogLevel, (message: string) => void>;

/** Writes lines of level `least` and above with `write`. A message with line breaks stays one line. */
export const createLogger = (
  write: (line: string) => void,
  now: () => number,
  least: LogLevel = 'info',
): Logger => {
  const at = (level: LogLevel) => (message: string) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    const line = message.replaceAll(/\s*\n\s*/g, ' | ');
    write(`${new Date(now()).toISOString()} ${level.toUpperCase().padEnd(5)} ${line}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

/** Logs a repeated problem at once, and then at most once in `everyMs`. */
export const sayRarely = (say: (message: string) => void, now: () => number, everyMs = 60_000) => {
  let lastAt = Number.NEGATIVE_INFINITY;
  return (message: string) => {
    if (now() - lastAt < everyMs) return;
    lastAt = now();
    say(message);
  };
};
