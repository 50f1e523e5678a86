/** Training's result → the files of a bundle. */
import { join } from 'node:path'
import { writeFileAtomic, writeFolderAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import type { RejectionModel } from '../learn/rejection.ts'
import type { LinearHead } from '../learn/softmax-regression.ts'
import { encodeSafetensors, type StoredTensor } from '../tensor/safetensors.ts'
import type { BundleManifest } from './bundle-manifest.ts'
import { createClassifier, HEAD_FILE, readHead } from './classifier.ts'
import { encodeGolden, GOLDEN_FILE, type GoldenInputs } from './golden.ts'
import { BUNDLE_MANIFEST, type BundleFiles } from './verify-bundle.ts'

export interface BundleContent {
  readonly manifest: Omit<BundleManifest, 'files'>
  readonly head: LinearHead
  readonly rejection: RejectionModel | undefined
  readonly golden: GoldenInputs
}

/** Encodes a bundle; the same content gives the same bytes and so the same id. */
export function encodeBundle({ manifest, head, rejection, golden }: BundleContent): BundleFiles {
  const labels = manifest.labels.length
  const width = manifest.backbone.features
  const f32 = (data: Float32Array, dims: number[]): StoredTensor => ({ type: 'F32', dims, data })
  const tensors: Record<string, StoredTensor> = {
    weights: f32(head.weights, [width, labels]),
    bias: f32(head.bias, [labels]),
  }
  if (rejection !== undefined) {
    const { dimensions, projection, centre, means, background } = rejection
    tensors['rejection.projection'] = { type: 'F16', dims: [width, dimensions], data: projection }
    tensors['rejection.centre'] = f32(centre, [dimensions])
    tensors['rejection.means'] = f32(means, [labels, dimensions])
    tensors['rejection.background'] = f32(background, [dimensions])
  }
  const headBytes = encodeSafetensors(tensors)
  const files = new Map([[HEAD_FILE, headBytes]])
  const draft: BundleManifest = { ...manifest, files: {} }
  // The answers to remember are those of the bundle as it will be read, after rounding.
  files.set(GOLDEN_FILE, encodeGolden(createClassifier('', draft, readHead(files)), golden))
  const listed = Object.fromEntries(
    [...files].map(([name, bytes]) => [name, { sha256: sha256(bytes), sizeBytes: bytes.length }]),
  )
  const json = `${JSON.stringify({ ...manifest, files: listed }, null, 2)}\n`
  return new Map([[BUNDLE_MANIFEST, Buffer.from(json)], ...files])
}

/** Writes a bundle as a folder that appears only when it is whole. Throws `bundle_exists`, `disk_full` or `write_failed`. */
export async function writeBundleFolder(files: BundleFiles, folder: string): Promise<void> {
  await writeFolderAtomic(
    folder,
    async (temporary) => {
      for (const [name, bytes] of files) await writeFileAtomic(join(temporary, name), bytes)
    },
    (cause) =>
      new VergerError('bundle_exists', `Expected nothing at ${folder}, found files`, {
        hint: 'Name another folder with --out, or remove that one.',
        cause,
      }),
  )
}
