/**
 * A small VPC for runners: public subnets without inbound traffic and without a NAT gateway, which would cost
 * 32 USD a month.
 */
import {
  CfnInternetGateway,
  CfnRoute,
  CfnRouteTable,
  CfnSubnet,
  CfnSubnetRouteTableAssociation,
  CfnVPC,
  CfnVPCGatewayAttachment,
} from 'aws-cdk-lib/aws-ec2';
import { Fn } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

/** Network for a fleet's instances. */
export interface Network {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
}

/** Address blocks in two zones: one zone may have capacity when the other has none. */
const subnetBlocks = ['10.73.0.0/20', '10.73.16.0/20'];

export class SmallVpc extends Construct implements Network {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const vpc = new CfnVPC(this, 'Vpc', {
      cidrBlock: '10.73.0.0/16',
      enableDnsSupport: true,
      enableDnsHostnames: true,
    });
    const gateway = new CfnInternetGateway(this, 'Gateway');
    const attachment = new CfnVPCGatewayAttachment(this, 'Attachment', {
      vpcId: vpc.ref,
      internetGatewayId: gateway.ref,
    });
    const routes = new CfnRouteTable(this, 'Routes', { vpcId: vpc.ref });
    new CfnRoute(this, 'Outward', {
      routeTableId: routes.ref,
      destinationCidrBlock: '0.0.0.0/0',
      gatewayId: gateway.ref,
    }).addResourceDependency(attachment);
    this.vpcId = vpc.ref;
    this.subnetIds = subnetBlocks.map((cidrBlock, index) => {
      const subnet = new CfnSubnet(this, `Subnet${index + 1}`, {
        vpcId: vpc.ref,
        cidrBlock,
        availabilityZone: Fn.select(index, Fn.getAzs()),
        mapPublicIpOnLaunch: true,
      });
      new CfnSubnetRouteTableAssociation(this, `Subnet${index + 1}Routes`, {
        subnetId: subnet.ref,
        routeTableId: routes.ref,
      });
      return subnet.ref;
    });
  }
}
