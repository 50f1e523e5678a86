/** A registry with two versions that answer otherwise, and what each of them says of some photos. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeBundleFolder } from '../dist/bundles/encode-bundle.js'
import type { BundleFiles } from '../dist/bundles/verify-bundle.js'
import { createRegistry, type Registry } from '../dist/registry/registry.js'
import { openStore, type StoreConfig } from '../dist/store/store.js'
import { photoPath, readPhoto } from '../test/support/photos.ts'
import { createTinyBundle } from '../test/support/tiny-bundle.ts'

export const MODEL = 'fruits'
export const VERSIONS = ['one', 'two'] as const
export const PHOTOS = ['baseline.jpg', 'grey.jpg', 'exif-1.jpg'] as const
/** Versions that come and go meanwhile. */
const OTHERS = 4

export interface SwitchHome {
  readonly config: StoreConfig
  /** Of this process: to the servers it is that of another one. */
  readonly registry: Registry
  /** Photos that the load is made of. */
  readonly photos: string
  /** The bundles of the two versions as folders, in their order. */
  readonly bundles: readonly string[]
  /** Deletes a version that does not answer, and gives its name to another bundle. */
  recreateOther(round: number): Promise<string>
  close(): Promise<void>
}

export async function createSwitchHome(folder: string, databaseUrl?: string): Promise<SwitchHome> {
  const config = { home: join(folder, 'home'), databaseUrl }
  const store = await openStore(config)
  const registry = createRegistry(store)
  await registry.createModel(MODEL, { keepCorrections: true })
  const [one, two] = [await createTinyBundle(), await createTinyBundle({ labels: ['a', 'b', 'c'] })]
  await registry.register({ model: MODEL, version: 'one', files: one })
  await registry.register({ model: MODEL, version: 'two', files: two })
  const others: BundleFiles[] = []
  for (let seed = 2; seed < 2 + 2 * OTHERS; seed++) others.push(await createTinyBundle({ seed }))
  const photos = join(folder, 'photos')
  mkdirSync(photos)
  for (const name of PHOTOS) symlinkSync(photoPath(name), join(photos, name))
  const bundles = VERSIONS.map((name) => join(folder, name))
  for (const [index, files] of [one, two].entries()) {
    await writeBundleFolder(files, bundles[index] ?? '')
  }
  const present = new Set<string>()
  return {
    config,
    registry,
    photos,
    bundles,
    async recreateOther(round) {
      const version = `other-${round % OTHERS}`
      if (present.has(version)) await registry.deleteVersion(MODEL, version)
      const files = others[round % others.length] ?? one
      await registry.register({ model: MODEL, version, files })
      present.add(version)
      return version
    },
    close: () => store.close(),
  }
}

export interface Prediction {
  readonly version: string
  readonly top: readonly { readonly label: string; readonly score: number }[]
}

/** Asks for a photo alone. Throws where the answer is none. */
export async function ask(url: string, photo: string, version?: string): Promise<Prediction> {
  const query = `model=${MODEL}${version === undefined ? '' : `&version=${version}`}`
  const response = await fetch(`${url}/predict?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(readPhoto(photo)),
  })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  const [prediction] = (await response.json()) as Prediction[]
  if (prediction === undefined) throw new Error('Expected one answer, received none')
  return prediction
}

/** Lets a version answer from now on; gives the milliseconds that its preparation took, as the history has them. */
export async function switchTo(url: string, version: string): Promise<number> {
  const response = await fetch(`${url}/api/models/${MODEL}/default`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ version }),
  })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  const { change } = (await response.json()) as { change?: { tookMs?: number } }
  return change?.tookMs ?? 0
}

/** Writes what `bench/switch-client.mjs` needs to know, and gives its path. */
export async function writeClientPlan(
  folder: string,
  { photos }: SwitchHome,
  urls: readonly string[],
  connections: number,
): Promise<string> {
  const known: Record<string, Record<string, string>> = {}
  const [url = ''] = urls
  for (const version of VERSIONS) {
    const answers: Record<string, string> = {}
    for (const photo of PHOTOS)
      answers[photo] = JSON.stringify((await ask(url, photo, version)).top)
    known[version] = answers
  }
  const path = join(folder, `client-${urls.length}.json`)
  writeFileSync(path, JSON.stringify({ urls, model: MODEL, connections, folder: photos, known }))
  return path
}
