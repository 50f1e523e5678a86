/** A home folder with the model fruits in it: two versions that answer alike, the first of them the default. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Correction, listCorrections } from '../../dist/registry/corrections.js'
import { createRegistry, type ModelSettings } from '../../dist/registry/registry.js'
import { openStore, type Store } from '../../dist/store/store.js'
import { createTinyBundle } from './tiny-bundle.ts'

export interface ModelHome {
  readonly path: string
  /** Corrected photos of fruits, with the bytes that were kept of them. */
  readCorrections(): Promise<(Correction & { readonly photo: Uint8Array })[]>
  remove(): Promise<void>
}

export interface ModelHomeOptions extends ModelSettings {
  /** Files that lie beside the bundle of v1. */
  readonly extras?: Readonly<Record<string, string>>
}

export async function createModelHome({
  extras = {},
  ...settings
}: ModelHomeOptions = {}): Promise<ModelHome> {
  const path = await mkdtemp(join(tmpdir(), 'verger-models-'))
  await withStore(path, async (store) => {
    const registry = createRegistry(store)
    await registry.createModel('fruits', settings)
    const model = 'fruits'
    await registry.register({ model, version: 'v1', files: await createTinyBundle({ extras }) })
    await registry.register({ model, version: 'v2', files: await createTinyBundle({ seed: 2 }) })
  })
  return {
    path,
    readCorrections: () =>
      withStore(path, async (store) => {
        const corrections = await listCorrections(store, 'fruits')
        return Promise.all(
          corrections.map(async (correction) => ({
            ...correction,
            photo: await store.blobs.get(correction.photoSha256),
          })),
        )
      }),
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

async function withStore<Result>(
  home: string,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  const store = await openStore({ home })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}
