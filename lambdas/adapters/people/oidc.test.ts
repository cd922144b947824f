/**
 * Requests to a sign-in provider go only to addresses that the guard allows, even if the provider's document
 * names others.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressGuard } from '../address-guard.ts';
import { logTo } from '../log.ts';
import { openIdConnect } from './oidc.ts';

const servers: Server[] = [];
const listen = async (host: string, listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return `http://${host}:${address.port}`;
};

/** Endpoints that the document puts at the forbidden address. */
let moved: readonly string[] = [];
let issuer = '';
let elsewhere = '';
const calledElsewhere: string[] = [];
const nonce = 'the-nonce-of-this-test';

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const idToken = () =>
    new SignJWT({ nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience('reveille')
      .setSubject('ada')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const answers: Readonly<Record<string, () => object | Promise<object>>> = {
    '/.well-known/openid-configuration': () => {
      const at = (name: string) => `${moved.includes(name) ? elsewhere : issuer}/${name}`;
      return {
        issuer,
        authorization_endpoint: at('authorize'),
        token_endpoint: at('token'),
        jwks_uri: at('jwks'),
        userinfo_endpoint: at('userinfo'),
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['RS256'],
      };
    },
    '/token': async () => ({ access_token: 'a', token_type: 'bearer', id_token: await idToken() }),
    '/jwks': () => ({ keys: [jwk] }),
    '/userinfo': () => ({ sub: 'ada', email: 'ada@example.org', email_verified: true }),
  };
  const answer: RequestListener = async (request, response) => {
    const body = await answers[request.url ?? '']?.();
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  issuer = await listen('127.0.0.1', answer);
  elsewhere = await listen('127.0.0.2', (request, response) => {
    calledElsewhere.push(request.url ?? '');
    return answer(request, response);
  });
});
afterAll(() => {
  for (const server of servers) server.close();
});

const signInBy = async (...allowed: string[]) => {
  const said: string[] = [];
  const oidc = openIdConnect(
    addressGuard(allowed),
    logTo((_message, about) => void said.push(String(about.error))),
  );
  const settings = { issuer, clientId: 'reveille', clientSecret: 'secret' };
  const url = new URL('https://reveille.test/callback?code=c&state=s');
  const person = await oidc.finish(settings, url, { state: 's', nonce, verifier: 'v'.repeat(43) });
  return { person, said };
};

describe('a sign-in provider', () => {
  it('is called where the guard allows it', async () => {
    moved = [];
    const { person, said } = await signInBy('127.0.0.1');
    expect(person, said.join()).toMatchObject({ email: 'ada@example.org', subject: 'ada' });
  });

  it('is not called at a private address', async () => {
    moved = [];
    const { person } = await signInBy();
    expect(person).toBeUndefined();
    const begin = openIdConnect(
      addressGuard(),
      logTo(() => {}),
    ).begin({ issuer, clientId: 'reveille', clientSecret: 'secret' }, 'https://reveille.test/callback');
    await expect(begin).rejects.toThrow(/./);
  });

  it.each(['token', 'userinfo'])('cannot have its %s endpoint at a private address', async (name) => {
    moved = [name];
    calledElsewhere.length = 0;
    expect((await signInBy('127.0.0.1')).person).toBeUndefined();
    expect(calledElsewhere).toEqual([]);
    expect((await signInBy('127.0.0.1', '127.0.0.2')).person).toMatchObject({ subject: 'ada' });
    expect(calledElsewhere).toEqual([`/${name}`]);
  });

  it('cannot have its keys at a private address', async () => {
    moved = ['jwks'];
    calledElsewhere.length = 0;
    await signInBy('127.0.0.1');
    expect(calledElsewhere).toEqual([]);
  });
});
