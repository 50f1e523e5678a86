/** `sample-fruits`: a data set to try everything with, composed on this machine and without a network. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pMap from 'p-map'
import { createFolder, toWriteError, writeFileAtomic } from '../../core/atomic-write.ts'
import { loadSharp } from '../../images/load-sharp.ts'
import { composePhoto, type Studio } from './compose-photo.ts'
import { type PlannedPhoto, planSampleFruits } from './plan-sample-fruits.ts'
import { SpriteSource } from './sprites.ts'
import { TextureSource } from './textures.ts'

/** Whose the photos are; written beside them. */
const NOTICE = `The photos of sample-fruits are composed by Verger of drawings.

train: Fluent Emoji, Copyright (c) Microsoft Corporation, MIT License
  https://github.com/microsoft/fluentui-emoji
  and drawings of the Verger authors, Apache License 2.0
test: Noto Emoji, Copyright Google LLC, Apache License 2.0
  https://github.com/googlefonts/noto-emoji
`

/** Photos that are composed at once: one is drawn by libvips while another is encoded or written. */
const AT_ONCE = 4

export interface SampleFruitsOptions {
  readonly onProgress?: (done: number, total: number) => void
  /** What to compose: all of it, unless a test wants less. */
  readonly photos?: readonly PlannedPhoto[]
}

export interface SampleFruits {
  readonly photos: number
  readonly sizeBytes: number
  /** CSV with the columns path, label and split; paths are below the folder. */
  readonly manifestPath: string
}

/**
 * Writes `train/<kind>/…jpg`, `test/<kind>/…jpg`, NOTICE.txt and, last, manifest.csv into a folder: where the manifest
 * is, all else is. A second call writes the same bytes. Throws `disk_full` or `write_failed`.
 */
export async function createSampleFruits(
  folder: string,
  { onProgress, photos = planSampleFruits() }: SampleFruitsOptions = {},
): Promise<SampleFruits> {
  await createFolder(folder)
  const studio = await openStudio()
  let done = 0
  const sizes = await pMap(
    photos,
    async (photo) => {
      const bytes = await composePhoto(photo, studio)
      await writePhoto(join(folder, photo.path), bytes)
      onProgress?.(++done, photos.length)
      return bytes.length
    },
    { concurrency: AT_ONCE },
  )
  const manifestPath = join(folder, 'manifest.csv')
  await writeFileAtomic(join(folder, 'NOTICE.txt'), NOTICE)
  await writeFileAtomic(manifestPath, formatManifest(photos))
  return { photos: photos.length, sizeBytes: sizes.reduce((a, b) => a + b, 0), manifestPath }
}

async function openStudio(): Promise<Studio> {
  const sharp = await loadSharp()
  return { sharp, sprites: new SpriteSource(sharp), textures: new TextureSource(sharp) }
}

async function writePhoto(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  } catch (error) {
    throw toWriteError(error, path)
  }
}

/** No path or label here holds a comma or a quote. */
const formatManifest = (photos: readonly PlannedPhoto[]): string =>
  [
    'path,label,split',
    ...photos.map(({ path, label, iconSet }) => `${path},${label},${iconSet.split}`),
  ]
    .map((row) => `${row}\n`)
    .join('')
