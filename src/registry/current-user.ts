import { userInfo } from 'node:os'

/** Who runs this process, for the history. */
export function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that has no name.
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}
