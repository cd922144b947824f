/**
 * Addresses that webhooks and requests to the sign-in provider may go to (against SSRF): public ones, and
 * those that the owner of the stack allows.
 */
import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export interface AddressGuard {
  /** Reason to refuse the URL by its text alone. Undefined: `lookup` decides when the connection is made. */
  refuse(url: string): string | undefined;
  /** Resolves a name for the connection, and fails when one of its addresses is forbidden. */
  readonly lookup: LookupFunction;
}

/** Special IPv4 ranges: https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast. */
const specialV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/**
 * Public IPv6 is 2000::/3, without tunnels to IPv4 and documentation ranges (IANA's IPv6 special registry).
 */
const publicV6 = '2000::/3';
const specialV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

type Family = 'ipv4' | 'ipv6';
const familyOf = (address: string): Family => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

const add = (list: BlockList, entry: string, family?: Family): void => {
  const [address = '', bits] = entry.split('/');
  const known = family ?? familyOf(address);
  list.addSubnet(address, bits === undefined ? (known === 'ipv6' ? 128 : 32) : Number(bits), known);
};

// With their families, which spares each cold start the compilation of Node's pattern of IPv6 addresses.
const special = new BlockList();
for (const range of specialV4) add(special, range, 'ipv4');
for (const range of specialV6) add(special, range, 'ipv6');
const globalV6 = new BlockList();
add(globalV6, publicV6, 'ipv6');

const isPublic = (address: string): boolean =>
  isIP(address) === 6
    ? globalV6.check(address, 'ipv6') && !special.check(address, 'ipv6')
    : !special.check(address, 'ipv4');

const cidr = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/;
const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

const isRange = (entry: string): boolean => {
  const [, address = '', bits] = cidr.exec(entry) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 6 ? 128 : 32));
};

/** True for a valid entry of the allowed list: a range such as `10.0.0.0/8`, an address or a host name. */
export const isAllowance = (entry: string): boolean => isRange(entry) || hostName.test(entry);

/**
 * Returns a host in the form for comparison: URLs put IPv6 in brackets, and a name may end with the root's
 * dot.
 */
const hostOf = (url: string): string =>
  new URL(url).hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();

const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost');

/**
 * Makes the guard. `allowed` are ranges, addresses and host names that may be called although they are not
 * public.
 */
export const addressGuard = (allowed: readonly string[] = []): AddressGuard => {
  const ranges = new BlockList();
  for (const range of allowed.filter(isRange)) add(ranges, range);
  const hosts = new Set(allowed.filter((entry) => !isRange(entry)).map((host) => host.toLowerCase()));

  const mayConnect = (address: string): boolean =>
    isPublic(address) || ranges.check(address, familyOf(address));
  const why = (what: string) =>
    `${what} is not a public address. The owner of the stack can allow it with the context webhookAllowed.`;

  return {
    refuse: (url) => {
      const host = hostOf(url);
      if (hosts.has(host)) return undefined;
      if (isLocalName(host)) return why(host);
      return isIP(host) === 0 || mayConnect(host) ? undefined : why(host);
    },

    lookup: (hostname, options, callback) => {
      resolve(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) {
          callback(error, []);
          return;
        }
        const isKnown = hosts.has(hostname.replace(/\.$/, '').toLowerCase());
        const forbidden = isKnown ? undefined : addresses.find(({ address }) => !mayConnect(address));
        const [first] = addresses;
        if (forbidden || !first) {
          callback(new Error(why(forbidden ? `${hostname} (${forbidden.address})` : hostname)), []);
        } else if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    },
  };
};
