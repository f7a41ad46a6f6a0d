// Which IP addresses are public: everything else must not be reached on behalf of a stranger.
import ipaddr from 'ipaddr.js';

/** All that IANA has given out for global unicast; what lies outside is no address of anybody (RFC 4291 §2.4). */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * True only for globally routable unicast addresses. Addresses that wrap an IPv4 one (mapped, NAT64, 6to4) are judged
 * by what they wrap. Ranges: IANA special-purpose address registries, as ipaddr.js keeps them.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv6) {
    if (address.isIPv4MappedAddress()) return address.toIPv4Address().range() === 'unicast';
    // 64:ff9b::/96 carries an IPv4 address in its last 32 bits (RFC 6052), 2002::/16 in the two groups after (RFC 3056).
    const wrapped = wrappedIpv4(address);
    if (wrapped) return isPublicAddress(wrapped);
    if (!address.match(globalUnicast)) return false;
  }
  return address.range() === 'unicast';
}

function wrappedIpv4(address: ipaddr.IPv6): string | null {
  const groups = address.parts;
  const pair = (high: number | undefined, low: number | undefined): string =>
    [(high ?? 0) >> 8, (high ?? 0) & 255, (low ?? 0) >> 8, (low ?? 0) & 255].join('.');
  switch (address.range()) {
    case 'rfc6052':
      return pair(groups[6], groups[7]);
    case '6to4':
      return pair(groups[1], groups[2]);
    default:
      return null;
  }
}
