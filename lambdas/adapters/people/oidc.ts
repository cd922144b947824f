/** OpenID Connect by openid-client: the authorization code flow with PKCE, state and nonce. */
import type * as OpenIdClient from 'openid-client';
import * as z from 'zod';
import type { AddressGuard } from '../address-guard.ts';
import { readUpTo, requestByGuard } from '../guarded-request.ts';
import type { Log } from '../log.ts';
import type { StoredProvider } from './sign-in-providers.ts';

export type OidcSettings = Pick<StoredProvider, 'issuer' | 'clientId' | 'clientSecret'>;

/** State of a sign-in until the browser comes back; travels in a signed cookie. */
export const oidcChecks = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });
export type OidcChecks = z.infer<typeof oidcChecks>;

/** Person as the provider describes them. */
export interface OidcPerson {
  readonly issuer: string;
  /** The issuer's id of the person; an e-mail address may pass to somebody else. */
  readonly subject: string;
  readonly email: string;
  readonly name: string;
}

export interface Oidc {
  /** Returns the URL for the browser. Throws when the provider cannot be reached. */
  begin(settings: OidcSettings, redirectUri: string): Promise<{ url: string; checks: OidcChecks }>;
  /**
   * Exchanges the code in the browser's `url` for the person. Undefined when the provider or its answer
   * cannot be trusted.
   */
  finish(settings: OidcSettings, url: URL, checks: OidcChecks): Promise<OidcPerson | undefined>;
}

const claims = z.object({
  iss: z.string(),
  sub: z.string(),
  email: z.email().max(254).toLowerCase(),
  // Nobody signs in with an address that they only claim to have.
  email_verified: z.literal(true),
  name: z.string().trim().min(1).max(120).optional(),
});

const isLoopback = (issuer: string): boolean => ['localhost', '127.0.0.1'].includes(new URL(issuer).hostname);
const timeoutSeconds = 10;

/** Maximum size of an answer: far above any provider's document, keys or token. */
const maxAnswerBytes = 1_048_576;
/** Statuses for which `Response` rejects a body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Fetches through the guard. The provider's document names further addresses, and an admin of the console
 * does not own the AWS account. Neither may make the API call a private address.
 */
const fetchByGuard =
  (guard: AddressGuard): OpenIdClient.CustomFetch =>
  (url, { method, headers, body, signal }) => {
    if (
      !(body === null || body === undefined || typeof body === 'string' || body instanceof URLSearchParams)
    ) {
      throw new TypeError('The provider is sent text only.');
    }
    const request = {
      method,
      headers,
      body: body?.toString(),
      signal: signal ?? AbortSignal.timeout(timeoutSeconds * 1000),
    };
    return requestByGuard(guard, url, request, async (response) => {
      const { bytes, isCut } = await readUpTo(response, maxAnswerBytes);
      if (isCut) throw new Error(`The provider answered with more than ${maxAnswerBytes} bytes.`);
      const status = response.statusCode ?? 0;
      const pairs = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      return new Response(bodiless.has(status) ? null : new Uint8Array(bytes), { status, headers: pairs });
    });
  };

/** Imported on demand: few calls of the API are sign-ins by a provider. */
const loadClient = (): Promise<typeof OpenIdClient> => import('openid-client');

/** `log` records why a person was rejected; `guard` decides where a provider may be. */
export const openIdConnect = (guard: AddressGuard, log: Log): Oidc => {
  const discover = (client: typeof OpenIdClient, { issuer, clientId, clientSecret }: OidcSettings) =>
    client.discovery(new URL(issuer), clientId, clientSecret, undefined, {
      timeout: timeoutSeconds,
      [client.customFetch]: fetchByGuard(guard),
      execute: isLoopback(issuer) ? [client.allowInsecureRequests] : undefined,
    });

  return {
    begin: async (settings, redirectUri) => {
      const client = await loadClient();
      const checks = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(await discover(client, settings), {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, checks };
    },

    finish: async (settings, url, checks) => {
      try {
        const client = await loadClient();
        const config = await discover(client, settings);
        const tokens = await client.authorizationCodeGrant(config, url, {
          pkceCodeVerifier: checks.verifier,
          expectedState: checks.state,
          expectedNonce: checks.nonce,
          idTokenExpected: true,
        });
        const inToken = tokens.claims();
        if (!inToken) return undefined;
        // Many providers return the address in the user info only.
        const more =
          inToken.email === undefined && config.serverMetadata().userinfo_endpoint !== undefined
            ? await client.fetchUserInfo(config, tokens.access_token, inToken.sub)
            : {};
        const parsed = claims.safeParse({ ...more, ...inToken });
        if (!parsed.success) {
          log.error('The sign-in provider confirmed no e-mail address', {
            error: z.prettifyError(parsed.error),
          });
          return undefined;
        }
        const { iss, sub, email, name = email } = parsed.data;
        return { issuer: iss, subject: sub, email, name };
      } catch (error) {
        log.error('A sign-in by the provider failed', { error: String(error) });
        return undefined;
      }
    },
  };
};
