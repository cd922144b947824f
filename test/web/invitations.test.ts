/** Invitations: a new user joins, and a signed-in user joins a second project. */
import { newInvitation } from '../../protocol/index.ts';
import { tell } from './browser.ts';
import { it } from './stories.ts';

it('lets a new user choose a password, and join a second project while signed in', async ({ fixture }) => {
  const { api, browser, stack } = fixture;
  const invite = async (projectName: string) => {
    const { id } = await api.createProject(projectName);
    const body = { email: 'grace@example.com', role: 'guest' };
    const invited = await api.call('POST', `/api/projects/${id}/invitations`, body);
    return { id, path: `/invitation#${newInvitation.parse(invited).token}` };
  };
  const [first, second] = [await invite('Harbour'), await invite('Lighthouse')];
  await tell({ browser, name: 'invitations', options: { baseURL: stack.url } }, async (page) => {
    await page.goto(first.path);
    await page.getByLabel('Your name').fill('Grace');
    await page.getByLabel('Password').fill('a long password');
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('heading', { name: 'Harbour' }).waitFor();
    await page.goto('about:blank');
    await page.goto(second.path);
    await page.getByText('You are signed in as grace@example.com').waitFor();
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('heading', { name: 'Harbour' }).waitFor();
    await page.goto(`/projects/${second.id}`);
    await page.getByRole('heading', { name: 'Lighthouse' }).waitFor();
  });
});
