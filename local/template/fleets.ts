/** Reads the resources that fleets launch instances with: launch templates and subnets. */
import * as properties from './resource-properties.ts';
import type { Resources } from './resources.ts';
import type { LaunchTemplateSpec, RoleSpec, SubnetSpec } from './stack-spec.ts';

export const launchTemplatesIn = (
  { ofType, place }: Resources,
  roles: readonly RoleSpec[],
): LaunchTemplateSpec[] => {
  const profiles = new Map(
    ofType('AWS::IAM::InstanceProfile').map(({ arn, read }) => {
      const [name] = read(properties.instanceProfile).Roles;
      return [arn, roles.find((one) => one.name === name)];
    }),
  );
  const securityGroups = new Map(
    ofType('AWS::EC2::SecurityGroup').map(({ identity, tags }) => [identity.attributes.GroupId, tags()]),
  );
  return (
    ofType('AWS::EC2::LaunchTemplate')
      // A launch template without a name is for operators.
      .filter(({ read }) => read(properties.named).LaunchTemplateName !== undefined)
      .map(({ logicalId, identity, read }) => {
        const found = read(properties.launchTemplate);
        const data = found.LaunchTemplateData;
        const role = profiles.get(data.IamInstanceProfile.Arn);
        if (!role) throw new Error(`The role of instances of ${logicalId} is not in the template.`);
        return {
          name: found.LaunchTemplateName,
          arn: `arn:aws:ec2:${place.region}:${place.accountId}:launch-template/${identity.attributes.LaunchTemplateId}`,
          region: place.region,
          tags: found.TagSpecifications['launch-template'] ?? {},
          tagsOf: data.TagSpecifications,
          securityGroupTags: securityGroups.get(data.SecurityGroupIds[0]) ?? {},
          imageId: data.ImageId,
          instanceType: data.InstanceType,
          role,
          canHibernate: data.HibernationOptions?.Configured ?? false,
          showsTags: data.MetadataOptions.InstanceMetadataTags === 'enabled',
        };
      })
  );
};

export const subnetsIn = ({ ofType, place }: Resources): SubnetSpec[] =>
  ofType('AWS::EC2::Subnet').map(({ identity, read, tags }) => ({
    id: identity.ref,
    region: place.region,
    zone: read(properties.subnet).AvailabilityZone,
    tags: tags(),
  }));
