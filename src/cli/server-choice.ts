/** Which Verger a command asks: one that is named, or this machine. */
import { type Command, Option } from 'commander'
import { parseServerUrl, SERVER_URL_FORM } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import type { CommandContext } from './context.ts'
import { paint } from './render.ts'
import { readUserConfig } from './user-config.ts'

export interface ServerOptions {
  readonly server?: string | undefined
  readonly local?: true | undefined
}

export interface ServerAddress {
  readonly url: string
  readonly token: string | undefined
}

/** Gives a command the options that say whom it asks. */
export function addServerOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--server <url>',
        'Verger to ask (default: VERGER_SERVER, then verger config)',
      ).conflicts('local'),
    )
    .option('--local', 'ask this machine, also where a server is set')
}

/**
 * The server that is asked; undefined stands for this machine. One that is not named on the command line is said on
 * standard error. A token of `verger config` goes to the server that it was set for and to no other.
 */
export async function chooseServer(
  { config, stderr }: Pick<CommandContext, 'config' | 'stderr'>,
  { server, local }: ServerOptions,
): Promise<ServerAddress | undefined> {
  if (local === true) return undefined
  const kept = await readUserConfig(config.home)
  const named = server === undefined ? undefined : requireServerUrl(server)
  const url = named ?? config.server ?? kept.server
  if (url === undefined) return undefined
  if (named === undefined) {
    const origin = config.server === undefined ? 'verger config' : 'VERGER_SERVER'
    stderr.write(
      `${paint(stderr, 'cyan', 'note')} ${url} is asked (${origin}); --local asks this machine\n`,
    )
  }
  return { url, token: config.token ?? (url === kept.server ? kept.token : undefined) }
}

/** Throws `usage_invalid`, whose hint begins with `usage`, what the user typed before the URL. */
export function requireServerUrl(text: string, usage = '--server'): string {
  const url = parseServerUrl(text)
  if (url !== undefined) return url
  const isBare = /^[\w.-]+(:\d+)?(\/|$)/.test(text)
  throw new VergerError(
    'usage_invalid',
    `Expected ${SERVER_URL_FORM}, received ${JSON.stringify(text)}`,
    { hint: `${usage} ${isBare ? `http://${text}` : 'http://127.0.0.1:4400'}` },
  )
}
