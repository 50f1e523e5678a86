/** Whether an address belongs to the public internet, so that asking it shows nobody what lies inside a network. */
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** Global unicast: all that IANA hands out lies in here (RFC 4291 section 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')
/** Documentation (RFC 9637), newer than the ranges that ipaddr.js names. */
const DOCUMENTATION = ipaddr.IPv6.parseCIDR('3fff::/20')
/** Azure's own service on every virtual machine: a public number that leads inside. */
const AZURE_WIRE_SERVER = '168.63.129.16'

/**
 * False for private, loopback, link-local, metadata, multicast, reserved and documentation addresses, for IPv6 forms that
 * carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo), for this machine's own, and for what is no address.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text) || text.includes('%')) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast' || isOwn(address.toNormalizedString())) return false
  if (address instanceof ipaddr.IPv4) return address.toString() !== AZURE_WIRE_SERVER
  return address.match(GLOBAL_UNICAST) && !address.match(DOCUMENTATION)
}

/** A service that listens on every address is often kept from others by a firewall, and never from its own machine. */
function isOwn(normalized: string): boolean {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .some(({ address }) => {
      const own = address.replace(/%.*$/, '')
      return ipaddr.isValid(own) && ipaddr.parse(own).toNormalizedString() === normalized
    })
}
