/** Bounds how fast wrong tokens may come from one address, in bounded memory. */
import { isIPv6 } from 'node:net'

export interface FailureLimit {
  /** Milliseconds until the address may try again; 0 where it may now. */
  waitMs(address: string): number
  /** Counts one wrong token. */
  fail(address: string): void
}

/** Slips that are forgiven at once, and the time after which one more is. */
const FREE_FAILURES = 10
const FORGET_ONE_MS = 6000
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000

export function createFailureLimit(now: () => number = () => performance.now()): FailureLimit {
  // Address → time at which all its failures are forgotten.
  const forgottenAtMs = new Map<string, number>()
  return {
    waitMs(address) {
      const owedMs = (forgottenAtMs.get(networkOf(address)) ?? 0) - now()
      return Math.max(0, owedMs - (FREE_FAILURES - 1) * FORGET_ONE_MS)
    },
    fail(address) {
      const network = networkOf(address)
      const from = Math.max(now(), forgottenAtMs.get(network) ?? 0)
      forgottenAtMs.delete(network)
      forgottenAtMs.set(network, from + FORGET_ONE_MS)
      const [oldest] = forgottenAtMs.keys()
      if (forgottenAtMs.size > MAX_ADDRESSES && oldest !== undefined) forgottenAtMs.delete(oldest)
    },
  }
}

/** Whoever has one address of IPv6 has the 2^64 beside it. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail === undefined) return groups.slice(0, 4).join(':')
  const after = tail === '' ? 0 : tail.split(':').length
  const zeros = Array.from({ length: 8 - groups.length - after }, () => '0')
  return [...groups, ...zeros, ...tail.split(':')].slice(0, 4).join(':')
}
