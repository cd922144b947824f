/** A real OpenID Connect provider on the loopback interface, and a browser that signs in there. */
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

export interface Account {
  readonly email: string;
  readonly email_verified: boolean;
  readonly name?: string;
}

export const clientId = 'reveille';
export const clientSecret = 'a secret of the client';

/** Starts the provider. The keys of `accounts` are the logins to type in, which are also the subjects. */
export const startProvider = async (redirectUri: string, accounts: Readonly<Record<string, Account>>) => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The provider has no port.');
  const issuer = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    cookies: { keys: ['of this test'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  });
  server.on('request', provider.callback());

  const cookies = new Map<string, string>();
  const visit = async (url: string, form?: Record<string, string>): Promise<Response> => {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };

  return {
    issuer,
    /** Signs in with that account on the provider's own pages; returns the URL of the redirect back. */
    signIn: async (startUrl: string, login: string): Promise<URL> => {
      cookies.clear();
      let url = startUrl;
      let form: Record<string, string> | undefined;
      for (let steps = 0; steps < 12; steps += 1) {
        const response = await visit(url, form);
        form = undefined;
        const location = response.headers.get('location');
        if (location !== null) {
          url = new URL(location, url).href;
          if (url.startsWith(redirectUri)) return new URL(url);
          continue;
        }
        const page = await response.text();
        if (response.status !== 200)
          throw new Error(`The provider answered ${response.status}: ${page.slice(0, 300)}`);
        form = page.includes('name="login"')
          ? { prompt: 'login', login, password: 'any' }
          : { prompt: 'consent' };
      }
      throw new Error('The provider did not come to an end.');
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
