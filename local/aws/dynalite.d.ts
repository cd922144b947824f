/** Types for the used part of dynalite, which ships none. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** Folder of the LevelDB store. @default in memory */
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }

  export default function dynalite(options?: DynaliteOptions): Server;
}

/** Its parts that judge conditions. */
declare module 'dynalite/db/index.js' {
  const db: {
    /** The error when the condition, read by `validateExpressions`, does not hold for the item. */
    checkConditional(
      parameters: object,
      item: Readonly<Record<string, unknown>> | undefined,
    ): Error | null | undefined;
  };
  export default db;
}
declare module 'dynalite/validations/index.js' {
  const validations: {
    /**
     * Reads the expressions among the parameters and leaves the results beside them; answers with what is
     * wrong.
     */
    validateExpressions(parameters: object): string | undefined;
  };
  export default validations;
}
