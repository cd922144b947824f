/**
 * Reads the link that `npm start` prints: the admin token, and a stopped instance for the first runner. They
 * are in the fragment, which no server sees, and are removed from the address at once.
 */
export interface FirstRun {
  readonly token?: string;
  readonly instanceId?: string;
  /** Path of the config file that the agent on that instance reads. */
  readonly configFile?: string;
}

const key = 'reveille.first-run';

const parse = (text: string): FirstRun => {
  const given = new URLSearchParams(text);
  return {
    token: given.get('token') || undefined,
    instanceId: given.get('instance') || undefined,
    configFile: given.get('config') || undefined,
  };
};

/** The token stays in memory only. The rest survives a reload, since the wizard comes later. */
let known: FirstRun | undefined;

/** Reads the fragment. Call it whenever the fragment may have changed. */
export const readFirstRun = (): FirstRun => {
  const fragment = location.hash.slice(1);
  if (fragment.includes('=')) {
    known = parse(fragment);
    const { instanceId, configFile } = known;
    const kept = { ...(instanceId && { instance: instanceId }), ...(configFile && { config: configFile }) };
    sessionStorage.setItem(key, new URLSearchParams(kept).toString());
    history.replaceState(history.state, '', location.pathname);
  }
  known ??= parse(sessionStorage.getItem(key) ?? '');
  return known;
};
