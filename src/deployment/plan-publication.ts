/** What publishing a version writes, and in which order. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Backbone, SHIPPED_BACKBONES } from '../backbones/catalog.ts'
import { DESCRIPTION, MODEL } from '../backbones/kept-backbones.ts'
import { descriptionPath } from '../backbones/portable-backbones.ts'
import { BUNDLE_MANIFEST } from '../bundles/verify-bundle.ts'
import { sha256, sha256OfFile } from '../core/hashes.ts'
import { BACKBONE_FOLDER, type ReadBundle } from './read-bundle.ts'
import { isFolderFile } from './source-listing.ts'

/** A file of a publication: bytes in memory, or a file of this machine. */
export interface PublishedFile {
  /** Path below the place, with `/` between its parts. */
  readonly name: string
  readonly content: Uint8Array | { readonly path: string }
  readonly sizeBytes: number
  readonly sha256: string
}

/** Files in the order in which they are put: the last one says what the place is, so that a half is never taken for a whole. */
export type Publication = readonly PublishedFile[]

/** A bundle, with its backbone where that does not ship with Verger. */
export async function planBundle({ files, backbone }: ReadBundle): Promise<Publication> {
  const inner = [...files].filter(([name]) => name !== BUNDLE_MANIFEST)
  const manifest = files.get(BUNDLE_MANIFEST) ?? new Uint8Array()
  return [
    ...(await planBackbone(backbone)),
    ...inner.map(([name, bytes]) => inMemory(name, bytes)),
    inMemory(BUNDLE_MANIFEST, manifest),
  ]
}

async function planBackbone({ weights }: Backbone): Promise<PublishedFile[]> {
  if (SHIPPED_BACKBONES.some((shipped) => shipped.weights.sha256 === weights.sha256)) return []
  const { path, sha256, sizeBytes } = weights
  const model = { name: `${BACKBONE_FOLDER}/${MODEL}`, content: { path }, sizeBytes, sha256 }
  return [model, await onDisk(descriptionPath(path), `${BACKBONE_FOLDER}/${DESCRIPTION}`)]
}

/** The files below a folder that an export wrote. */
export async function planFolder(folder: string): Promise<Publication> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort((one, other) => Number(isFolderFile(one)) - Number(isFolderFile(other)))
  return Promise.all(names.map((name) => onDisk(join(folder, name), name)))
}

const inMemory = (name: string, content: Uint8Array): PublishedFile => ({
  ...{ name, content, sizeBytes: content.length },
  sha256: sha256(content),
})

async function onDisk(path: string, name: string): Promise<PublishedFile> {
  const { size: sizeBytes } = await stat(path)
  return { name, content: { path }, sizeBytes, sha256: await sha256OfFile(path) }
}
