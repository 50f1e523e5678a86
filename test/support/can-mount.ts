import { execFileSync } from 'node:child_process'

/** Whether a process may mount a small disk in a namespace of its own, which goes with it. */
export const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
