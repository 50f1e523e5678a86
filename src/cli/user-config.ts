/** What `verger config` keeps: the server that commands ask, and the token for it. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder, writeFileAtomic } from '../core/atomic-write.ts'
import { parseServerUrl, SERVER_URL_FORM } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'

export const CONFIG_KEYS = ['server', 'token'] as const
export type ConfigKey = (typeof CONFIG_KEYS)[number]

export interface UserConfig {
  /** Address of a Verger, without a slash at its end. */
  readonly server?: string
  /** For that server and no other. */
  readonly token?: string
}

const pathIn = (home: string): string => join(home, 'config.json')

/** Throws `config_invalid` where the file is none that `writeUserConfig` wrote. */
export async function readUserConfig(home: string): Promise<UserConfig> {
  const path = pathIn(home)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw unreadable(path, error.message, error)
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unreadable(path, 'text that is no JSON', error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable(path, 'JSON that is no object')
  }
  const { server, token } = value as Record<string, unknown>
  if (server !== undefined && (typeof server !== 'string' || parseServerUrl(server) !== server)) {
    throw unreadable(path, `the server ${JSON.stringify(server)}, which is not ${SERVER_URL_FORM}`)
  }
  if (token !== undefined && typeof token !== 'string')
    throw unreadable(path, 'a token that is no text')
  return {
    ...(server === undefined ? {} : { server }),
    ...(token === undefined ? {} : { token }),
  }
}

/** Writes the file so that its owner alone can read it, and removes it where nothing is left to keep. */
export async function writeUserConfig(home: string, config: UserConfig): Promise<void> {
  const path = pathIn(home)
  if (Object.keys(config).length === 0) return rm(path, { force: true })
  await createFolder(home, { mode: 0o700 })
  await writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}

function unreadable(path: string, received: string, cause?: unknown): VergerError {
  return new VergerError(
    'config_invalid',
    `Expected the settings of verger config in ${path}, found ${received}`,
    {
      hint: `Remove the file, and set them again: verger config set server URL`,
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
