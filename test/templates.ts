/** The templates that tests start stacks from. */
import { readEnvironment } from '../local/environment.ts';
import { type Context, localContext, synthesize } from '../local/template/synth.ts';

const made = new Map<string, Promise<string>>();

/** Returns the folder with the templates of that context. A worker asks for each context once. */
export const templatesOf = (context: Context = localContext): Promise<string> => {
  const key = JSON.stringify(context);
  const folder = made.get(key) ?? synthesize(readEnvironment(process.env), { context });
  made.set(key, folder);
  return folder;
};
