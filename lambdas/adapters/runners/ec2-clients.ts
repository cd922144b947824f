/** Clients of EC2: one of each kind for each region. */
import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';

type Config = Pick<EC2ClientConfig, 'region' | 'maxAttempts' | 'requestHandler'>;

/** Makes a client with these settings instead of the SDK's. */
export type MakeClient = (config: Config) => EC2Client;

interface Place {
  readonly region?: string;
}

const onePerRegion = <T>(make: (where: Place) => T) => {
  const known = new Map<string, T>();
  return ({ region = '' }: Place): T => {
    const made = known.get(region) ?? make(region === '' ? {} : { region });
    known.set(region, made);
    return made;
  };
};

export const ec2Clients = (makeClient: MakeClient = (config) => new EC2Client(config)) => {
  const clientOf = onePerRegion((where) => makeClient(where));
  return {
    clientOf,
    /** Client without retries, over the connections of the other. */
    impatientClientOf: onePerRegion((where) => {
      const { requestHandler } = clientOf(where).config;
      return makeClient({ ...where, maxAttempts: 1, requestHandler });
    }),
  };
};
