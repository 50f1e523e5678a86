/**
 * A bundle in a folder, with the backbone that it brings where that does not ship with Verger:
 *
 *   bundle.json, head.safetensors, …       the files of the bundle
 *   backbone/backbone.json, model.onnx     its backbone, as verger publish puts it there
 */
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backbone } from '../backbones/catalog.ts'
import { DESCRIPTION, MODEL } from '../backbones/kept-backbones.ts'
import {
  findSameBackbone,
  findWantedBackbone,
  installBackbone,
} from '../backbones/portable-backbones.ts'
import { type BundleFiles, readBundleFolder, verifyBundle } from '../bundles/verify-bundle.ts'

/** The folder beside the files of a bundle that holds its backbone. */
export const BACKBONE_FOLDER = 'backbone'

export interface ReadBundle {
  readonly files: BundleFiles
  readonly backbone: Backbone
}

/**
 * Reads and verifies a bundle, and puts the backbone that it brings where versions find it.
 *
 * @param madeIn - home for the backbone, where it is not to stay in this one
 *
 * Throws an error of the bundle, `backbone_unknown`, `backbone_damaged`.
 */
export async function readBundle(
  folder: string,
  home: string,
  madeIn: string = home,
): Promise<ReadBundle> {
  const files = await readBundleFolder(folder)
  const { backbone: wanted } = verifyBundle(files)
  const brought = (name: string) => join(folder, BACKBONE_FOLDER, name)
  const isBrought = await isThere(brought(DESCRIPTION))
  if (findSameBackbone(wanted, home) !== undefined || !isBrought) {
    return { files, backbone: findWantedBackbone(wanted, home) }
  }
  const backbone = await installBackbone(wanted, madeIn, {
    readDescription: () => readFile(brought(DESCRIPTION)),
    readModel: () => createReadStream(brought(MODEL)),
  })
  return { files, backbone }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
