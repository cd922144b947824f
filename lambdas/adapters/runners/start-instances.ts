/** StartInstances for several instances of a region, and what EC2 says about them. */
import { type EC2Client, EC2ServiceException, StartInstancesCommand } from '@aws-sdk/client-ec2';
import { isThrottled } from './ec2-errors.ts';

/** Instances of one region. */
export interface InstanceRefs {
  readonly region: string;
  readonly instanceIds: readonly string[];
}

/** Outcome of a start. `still_stopping` is expected: start again once the instance has stopped. */
export type StartOutcome =
  | { readonly started: true }
  | { readonly started: false; readonly code: 'still_stopping' }
  | { readonly started: false; readonly code: 'refused'; readonly awsCode: string; readonly detail: string };

/** Outcome of a start of several instances: EC2 starts all of them or none. */
export type StartAllOutcome =
  | { readonly started: true }
  | { readonly started: false; readonly code: 'throttled' }
  | {
      readonly started: false;
      readonly code: 'refused';
      readonly awsCode: string;
      readonly detail: string;
      /** The instances at fault, by id, as far as EC2's error names them. One that is alone is at fault. */
      readonly atFault: ReadonlyMap<string, StartOutcome>;
    };

const idsIn = (text: string): ReadonlySet<string> => new Set(text.match(/\bi-[0-9a-f]{8,17}\b/g) ?? []);

/** Starts all instances by one call, on a client without retries: a throttled call is answered at once. */
export const startInstances = async (
  client: EC2Client,
  { region, instanceIds }: InstanceRefs,
  refusalOf: (
    ref: { region: string; instanceId: string },
    error: EC2ServiceException,
  ) => Promise<StartOutcome>,
): Promise<StartAllOutcome> => {
  try {
    await client.send(new StartInstancesCommand({ InstanceIds: [...instanceIds] }));
    return { started: true };
  } catch (error) {
    if (isThrottled(error)) return { started: false, code: 'throttled' };
    if (!(error instanceof EC2ServiceException)) throw error;
    const named = idsIn(error.message);
    const guilty = instanceIds.length === 1 ? instanceIds : instanceIds.filter((id) => named.has(id));
    const atFault = new Map<string, StartOutcome>();
    for (const instanceId of guilty) atFault.set(instanceId, await refusalOf({ region, instanceId }, error));
    return { started: false, code: 'refused', awsCode: error.name, detail: error.message, atFault };
  }
};
