/** What EC2 tells of instances, in their own region only, and how the control plane hears of it in its own. */
import { EventBus, type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { EventBus as EventBusTarget } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Arn, type Stack } from 'aws-cdk-lib/core';

/** What `instance-events` follows. */
export const instanceEvents: EventPattern = {
  source: ['aws.ec2'],
  detailType: [
    'EC2 Instance State-change Notification',
    'EC2 Spot Instance Interruption Warning',
    'EC2 Instance Rebalance Recommendation',
  ],
};

/**
 * Passes them on to the control plane's region, where its own rules match them as if they were of there.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
 */
export const forwardInstanceEvents = (stack: Stack, toRegion: string): void => {
  const busArn = Arn.format(
    { service: 'events', region: toRegion, resource: 'event-bus', resourceName: 'default' },
    stack,
  );
  // CDK gives it the permission to put events on that bus, and no other.
  const role = new Role(stack, 'ForwardEventsRole', {
    assumedBy: new ServicePrincipal('events.amazonaws.com'),
    description:
      "Reveille: what EventBridge may do to pass EC2's events on to the region of the control plane",
  });
  new Rule(stack, 'ForwardEvents', {
    description: 'Tells Reveille, in its own region, what becomes of the instances of its runners',
    eventPattern: instanceEvents,
    targets: [new EventBusTarget(EventBus.fromEventBusArn(stack, 'ControlPlaneBus', busArn), { role })],
  });
};
