/** EC2's stand-in on loopback, for tests that call it through the SDK's client. */
import { type Ec2Control, openEc2 } from '../aws/ec2/index.ts';
import { makeFaults } from '../gateway/faults.ts';
import { startGateway } from '../gateway/gateway.ts';
import { type Credentials, makePrincipals } from '../gateway/principals.ts';
import { countRequests } from '../gateway/requests.ts';
import { aPrincipal, temporaryFolder } from './fixture.ts';

export interface TestEc2 {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly control: Ec2Control;
  /** Number of calls of the operation, refused ones included. */
  callsOf(operation: string): number;
  stop(): Promise<void>;
}

/**
 * Starts the stand-in; its machines run nothing. `now` is the clock of token buckets and launch times; states
 * last by the real clock.
 */
export const startTestEc2 = async (now = () => new Date()): Promise<TestEc2> => {
  const region = 'us-east-1';
  const folder = temporaryFolder();
  const principals = makePrincipals(Date.now);
  const ec2 = openEc2({
    dataDir: folder.path,
    region,
    accountId: '000000000000',
    stackName: 'Reveille',
    delays: { pendingMs: 0, bootMs: 60_000, stoppingMs: 0 },
    agentCommand: () => ['true'],
    enrollCommand: () => ['true'],
    launchWorld: { launchTemplates: [], subnets: [] },
    issue: () => undefined,
    stsEndpoint: () => '',
    path: '/usr/bin:/bin',
    now,
    onEvent: () => {},
    onChange: () => {},
  });
  const counter = countRequests();
  const gateway = await startGateway({
    principals,
    counter,
    authorize: () => {},
    faults: makeFaults(Math.random),
    nowMs: Date.now,
    services: { ec2: ec2.service },
    onFailure: () => {},
  });
  return {
    endpoint: gateway.url,
    region,
    credentials: principals.issue(aPrincipal()),
    control: ec2.control,
    callsOf: (operation) =>
      counter.list().reduce((sum, one) => sum + (one.operation === operation ? one.count : 0), 0),
    stop: async () => {
      await ec2.stop(0);
      await gateway.stop();
      folder.remove();
    },
  };
};
