/** Keeps and shows what `verger config` is for. */
import { text } from 'node:stream/consumers'
import { VergerError } from '../core/errors.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { requireServerUrl } from './server-choice.ts'
import { CONFIG_KEYS, type ConfigKey, readUserConfig, writeUserConfig } from './user-config.ts'

export async function runConfigSet(
  context: CommandContext,
  { key, value }: { readonly key: ConfigKey; readonly value: string | undefined },
): Promise<void> {
  const { config, stderr } = context
  const kept = await readUserConfig(config.home)
  if (key === 'token') {
    if (kept.server === undefined) throw tokenWithoutServer()
    const token = value ?? (await readToken(context))
    await writeUserConfig(config.home, { ...kept, token: requireToken(token) })
    stderr.write(`${kept.server} gets this token from now on.\n`)
    return
  }
  if (value === undefined)
    throw missing('the address of a server', 'verger config set server http://127.0.0.1:4400')
  const server = requireServerUrl(value, 'verger config set server')
  const isSame = server === kept.server
  await writeUserConfig(config.home, isSame ? kept : { server })
  stderr.write(
    `models, versions and predict ask ${server} from now on; --local asks this machine.\n`,
  )
  if (!isSame && kept.token !== undefined) {
    stderr.write(`The token of ${kept.server} is forgotten: verger config set token\n`)
  }
}

export async function runConfigGet(
  context: CommandContext,
  { key, json }: { readonly key: ConfigKey; readonly json: boolean },
): Promise<void> {
  const kept = await readUserConfig(context.config.home)
  if (key === 'token') {
    throw new VergerError('usage_invalid', 'Expected a value that may be printed, received token', {
      hint: 'verger config list says whether there is one.',
    })
  }
  if (json) return printJson(context, kept.server ?? null)
  if (kept.server === undefined) throw missing(`a value of ${key}`, `verger config set ${key} …`)
  context.stdout.write(`${kept.server}\n`)
}

export async function runConfigList(
  context: CommandContext,
  { json }: { readonly json: boolean },
): Promise<void> {
  const { config, stdout, stderr } = context
  const { server, token } = await readUserConfig(config.home)
  const shown = { server, token: token === undefined ? undefined : 'hidden' }
  if (json) return printJson(context, shown)
  const over = {
    server: config.server === undefined ? '' : `VERGER_SERVER=${config.server} comes before it`,
    token: config.token === undefined ? '' : 'VERGER_TOKEN comes before it',
  }
  const rows = CONFIG_KEYS.map((key) => [key, shown[key] ?? '-', over[key]])
  stdout.write(renderColumns([{ title: 'key' }, { title: 'value' }, { title: '' }], rows))
  if (server === undefined)
    stderr.write('Commands ask this machine. verger config set server URL\n')
}

export async function runConfigUnset(
  { config, stderr }: CommandContext,
  { key }: { readonly key: ConfigKey },
): Promise<void> {
  const { server } = await readUserConfig(config.home)
  await writeUserConfig(config.home, key === 'token' && server !== undefined ? { server } : {})
  stderr.write(
    key === 'server' ? 'Commands ask this machine from now on.\n' : 'The token is forgotten.\n',
  )
}

async function readToken({ stdin }: CommandContext): Promise<string> {
  if ('isTTY' in stdin && stdin.isTTY === true) {
    throw missing('the token on standard input', 'verger config set token < token.txt')
  }
  return (await text(stdin)).trim()
}

/** A header has only visible letters (RFC 6750, section 2.1). */
function requireToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  const received = token === '' ? 'nothing' : 'one with spaces or other letters'
  throw new VergerError(
    'usage_invalid',
    `Expected a token of visible ASCII letters, received ${received}`,
    {
      hint: 'verger config set token < token.txt',
    },
  )
}

const tokenWithoutServer = (): VergerError =>
  new VergerError('usage_invalid', 'Expected a server that the token is for, found none', {
    hint: 'verger config set server URL, and then the token; or set VERGER_TOKEN for any server.',
  })

const missing = (what: string, hint: string): VergerError =>
  new VergerError('usage_invalid', `Expected ${what}, received none`, { hint })
