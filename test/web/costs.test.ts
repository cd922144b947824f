import { installAgent } from '../client.ts';
import { it } from './stories.ts';

it('names an instance type without a known price beside every sum', async ({ fixture }) => {
  const { api, stack, ended, tellAsOwner } = fixture;
  const { id } = await api.createProject('Lab');
  const instanceId = stack.ec2.createStoppedInstance({ instanceType: 'x9.mega' });
  const made = await api.createRunner(id, { name: 'mega', instanceId });
  installAgent(stack.ec2.diskOf(instanceId), made);
  const { id: templateId } = await api.createTemplate(id, { name: 'Try', app: 'bash', script: 'true' });
  await ended(id, (await api.startTask(id, templateId)).id);
  const notice = `x9.mega in ${stack.region} has no known price and counts as zero`;
  await tellAsOwner('unpriced', async (page) => {
    for (const path of [`/projects/${id}`, `/projects/${id}/costs`, '/costs']) {
      await page.goto(path);
      await page.getByText(notice).waitFor();
    }
  });
});
