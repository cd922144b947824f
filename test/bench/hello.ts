/** A project with one sleeping runner and a template that prints a line, for benches on a local stack. */
import type { LocalStack } from '../../local/stack.ts';
import { type Client, installAgent } from '../client.ts';

/** Makes them; `tag` routes the template to the runner. */
export const makeHello = async ({ ec2 }: LocalStack, api: Client, tag: string) => {
  const { id: projectId } = await api.createProject('Bench');
  const instanceId = ec2.createStoppedInstance();
  const runner = { name: tag, tags: [tag], instanceId, idleTimeoutMs: 3_600_000 };
  const made = await api.createRunner(projectId, runner);
  installAgent(ec2.diskOf(instanceId), made);
  const template = { name: 'Say hello', app: 'bash', script: 'echo hello', tag } as const;
  const { id: templateId } = await api.createTemplate(projectId, template);
  return { projectId, templateId, runnerId: made.runner.id, instanceId };
};
