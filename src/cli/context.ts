/** What a command may touch of the process, so that a command is a plain function of its context. */
import type { Readable, Writable } from 'node:stream'
import type { Config } from '../core/config.ts'

export interface CommandContext {
  readonly config: Config
  readonly cwd: string
  readonly stdin: Readable
  readonly stdout: Terminal
  readonly stderr: Terminal
  /** Sets the exit code with which the process ends once the command has returned. */
  setExitCode(code: number): void
}

export interface Terminal extends Writable {
  readonly isTTY?: boolean
  hasColors?(): boolean
}
