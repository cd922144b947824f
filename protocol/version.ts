/** Version of Reveille, as in package.json: the agent and the command line report it. */
export const version = '0.1.0';
