/** The tokens of the registry as a server asks for them at each request: in memory, as new as the registry. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { hashToken, isWholeToken } from '../registry/token-text.ts'
import type { KnownToken } from '../registry/tokens.ts'
import type { HomeRegistry, OpenedRegistry } from './home-registry.ts'

export interface TokenIndex {
  /** Whether there is or was any token: then nobody is let in without one. */
  hasAny(): Promise<boolean>
  /** The token of this text, expired and revoked ones among them. */
  find(text: string): Promise<KnownToken | undefined>
  /** Remembers that a token is used now, to be kept some time later. */
  touch(token: KnownToken): void
  /** Keeps when tokens were last used. */
  close(): Promise<void>
}

type Tokens = ReadonlyMap<string, KnownToken>
const NO_TOKENS: Tokens = new Map()

/** How soon the first token counts at a server that has had no registry. */
const LOOK_AGAIN_MS = 500
const KEEP_USES_MS = 60_000

export function createTokenIndex(home: HomeRegistry, logger: Logger): TokenIndex {
  // Hashes are looked up under a second hash with a key of this process: how long that takes tells nothing about them.
  const key = randomBytes(32)
  const keyOf = (hash: string) => createHmac('sha256', key).update(hash).digest('base64')
  let loaded: { readonly revision: string; readonly tokens: Promise<Tokens> } | undefined
  let absentAtMs = Number.NEGATIVE_INFINITY
  let uses = new Map<string, number>()
  const timer = setInterval(() => void keepUses(), KEEP_USES_MS).unref()

  async function load({ store }: OpenedRegistry): Promise<Tokens> {
    const { readKnownTokens } = await import('../registry/tokens.ts')
    return new Map((await readKnownTokens(store)).map((token) => [keyOf(token.hash), token]))
  }

  async function current(): Promise<Tokens> {
    if (performance.now() - absentAtMs < LOOK_AGAIN_MS) return NO_TOKENS
    const opened = await home.find()
    if (opened === undefined) {
      absentAtMs = performance.now()
      return NO_TOKENS
    }
    const revision = opened.store.changes.revision()
    if (loaded?.revision !== revision) {
      const tokens = load(opened)
      const mine = { revision, tokens }
      loaded = mine
      tokens.catch(() => {
        if (loaded === mine) loaded = undefined
      })
    }
    return loaded.tokens
  }

  async function keepUses(): Promise<void> {
    const keeping = uses
    uses = new Map()
    if (keeping.size === 0) return
    try {
      const [opened, { recordUse }] = await Promise.all([
        home.find(),
        import('../registry/tokens.ts'),
      ])
      if (opened !== undefined) await recordUse(opened.store, keeping)
    } catch (error) {
      logger.warn({ err: error }, 'when tokens were last used was not kept')
    }
  }

  return {
    hasAny: async () => (await current()).size > 0,
    find: async (text) =>
      isWholeToken(text) ? (await current()).get(keyOf(hashToken(text))) : undefined,
    touch({ name }) {
      uses.set(name, Date.now())
    },
    async close() {
      clearInterval(timer)
      await keepUses()
    },
  }
}
