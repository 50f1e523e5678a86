/** Stores in temporary homes that do not outlive their test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { createRegistry, type Registry } from '../../dist/registry/registry.js'
import { openStore, type Store, type StoreConfig } from '../../dist/store/store.js'

const open: Store[] = []
const folders: string[] = []

afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone when the test ends. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'verger-home-'))
  folders.push(folder)
  return folder
}

export const createHome = (): string => join(createFolder(), 'home')

/** Opens a store that is closed when the test ends. */
export async function openHome(config: StoreConfig = { home: createHome() }): Promise<Store> {
  const store = await openStore(config)
  open.push(store)
  return store
}

export async function openHomeRegistry(
  config?: StoreConfig,
): Promise<{ readonly store: Store; readonly registry: Registry }> {
  const store = await openHome(config)
  return { store, registry: createRegistry(store) }
}

/** The files of a bundle as the registry sees them; another seed is another bundle. */
export function bundleFiles(seed: number | string): Map<string, Uint8Array> {
  return new Map([
    ['bundle.json', Buffer.from(`{"format":1,"seed":"${seed}"}`)],
    ['head.bin', Buffer.alloc(20_000, `head ${seed}`)],
  ])
}
