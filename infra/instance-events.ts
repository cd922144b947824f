/**
 * EC2's events of instances, which EC2 sends only in the instance's region, and their way to the control
 * plane's region.
 */
import { EventBus, type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { EventBus as EventBusTarget } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Arn, type Stack } from 'aws-cdk-lib/core';

/** Events that `instance-events` handles. */
export const instanceEvents: EventPattern = {
  source: ['aws.ec2'],
  detailType: [
    'EC2 Instance State-change Notification',
    'EC2 Spot Instance Interruption Warning',
    'EC2 Instance Rebalance Recommendation',
  ],
};

/**
 * Forwards the events to the control plane's region, where its rules match them like local ones.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
 */
export const forwardInstanceEvents = (stack: Stack, toRegion: string): void => {
  const busArn = Arn.format(
    { service: 'events', region: toRegion, resource: 'event-bus', resourceName: 'default' },
    stack,
  );
  // CDK adds the permission to put events on that bus, and no other.
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
