/** Finds what a name on the command line stands for and writes it in a format of the field. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findBackbone, listBackboneIds } from '../backbones/catalog.ts'
import { OFFICIAL_WEIGHTS } from '../backbones/official-weights.ts'
import type { ExportFormat } from '../bundles/export/export-formats.ts'
import {
  type ExportedClassifier,
  exportBackbone,
  exportBundle,
} from '../bundles/export/exported-classifier.ts'
import { refuseOccupied, writeExport } from '../bundles/export/write-export.ts'
import { BUNDLE_MANIFEST } from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import { readBundle } from '../deployment/read-bundle.ts'
import {
  type QuantizationFigures,
  quantizeBackbone,
  refusalOf,
  SAMPLED_PHOTOS,
  sampleEvenly,
} from '../features/quantize-backbone.ts'
import { parseVersionPath } from '../registry/names.ts'
import { readVersion } from '../serving/version-source.ts'
import type { Precision } from '../training/train.ts'
import type { CommandContext } from './context.ts'
import { type PhotoSource, resolvePhotoSources } from './photo-sources.ts'
import { printJson } from './print-json.ts'
import { plural } from './render.ts'
import { formatBytes, shortId } from './render-dataset.ts'
import { renderQuantization } from './render-quantization.ts'
import { StepLine } from './step-line.ts'
import { withRegistry } from './with-registry.ts'

export interface ExportPlan {
  /** Id of a backbone, folder of a bundle, `model` or `model/version`. */
  readonly source: string
  readonly format: ExportFormat
  readonly out: string
  /** `int8` writes 8 bit where it keeps what the network sees and is faster here. */
  readonly precision: Precision
  /** Photos that 8 bit is fitted to: a folder, a pattern, a photo. */
  readonly photos: string | undefined
  readonly json: boolean
}

/** How the export is used, for the person who made it. */
const USES: Readonly<Record<ExportFormat, string>> = {
  'saved-model':
    'Signature serving_default takes image_base64, serving_bytes takes image_bytes; both give scores, labels and probabilities.',
  onnx: 'Input image takes uint8 RGB [n, height, width, 3]; outputs are probabilities, scores and indices.',
}

export async function runExport(context: CommandContext, plan: ExportPlan): Promise<void> {
  const { cwd, stdout } = context
  const { source, format, out, json } = plan
  const folder = resolve(cwd, out)
  await refuseOccupied(folder)
  refuseUnfitted(plan)
  const exact = await findClassifier(context, source)
  const rounded = await roundIfAsked(context, plan, exact)
  const { classifier, figures, refusal } = rounded
  const files = await writeExport(classifier, format, folder)
  const { name, labels, origin } = classifier
  if (json) {
    const precision = classifier.observed === undefined ? 'float32' : 'int8'
    const why = figures === undefined ? {} : { figures, refusal: refusal ?? null }
    return printJson(context, {
      ...{ name, format, precision, folder, files, labels: labels.length },
      ...why,
    })
  }
  if (figures !== undefined) stdout.write(renderQuantization(figures, refusal))
  const listed = files.map(
    (file) => `  ${file.name.padEnd(24)} ${formatBytes(file.sizeBytes).padStart(7)}\n`,
  )
  stdout.write(
    `Exported ${name === origin.bundle ? shortId(name) : name} with ${plural(labels.length, 'label')} to ${out}\n${listed.join('')}${USES[format]}\n`,
  )
}

/** A backbone where one has this id, a bundle where the folder of one has this path, else a version. */
async function findClassifier(
  context: CommandContext,
  source: string,
): Promise<ExportedClassifier> {
  const { config, cwd } = context
  const isOfficial = OFFICIAL_WEIGHTS.some(({ id }) => id === source)
  if (isOfficial || listBackboneIds(config.home).includes(source)) {
    return exportBackbone(findBackbone(source, config.home), config.home)
  }
  const folder = resolve(cwd, source)
  if (await isThere(join(folder, BUNDLE_MANIFEST))) {
    return exportBundle((await readBundle(folder, config.home)).files, undefined, config.home)
  }
  const { model, version } = parseSource(source)
  return withRegistry(context, async (registry, { blobs }) => {
    const found = await registry.resolveVersion(model, version)
    const { files } = await readVersion({ registry, blobs, home: config.home }, found)
    return exportBundle(files, `${found.model}/${found.name}`, config.home)
  })
}

function refuseUnfitted({ precision, photos, format }: ExportPlan): void {
  if (precision === 'float32' && photos === undefined) return
  const wrong =
    precision === 'float32'
      ? 'Expected --precision int8 beside --photos, received float32'
      : format !== 'onnx'
        ? `Expected --format onnx beside --precision int8, received ${format}`
        : photos === undefined
          ? 'Expected --photos beside --precision int8, received none'
          : undefined
  if (wrong === undefined) return
  throw new VergerError('usage_invalid', wrong, {
    hint: 'verger export efficientnet-lite0 --format onnx --precision int8 --photos photos/ --out lite0-int8',
  })
}

interface Rounded {
  readonly classifier: ExportedClassifier
  readonly figures?: QuantizationFigures
  /** Why float32 is written all the same. */
  readonly refusal?: string | undefined
}

async function roundIfAsked(
  context: CommandContext,
  { source, precision, photos }: ExportPlan,
  classifier: ExportedClassifier,
): Promise<Rounded> {
  const { config, cwd, stdin, stderr } = context
  if (precision === 'float32' || photos === undefined || classifier.observed !== undefined) {
    return { classifier }
  }
  if (classifier.head !== undefined) {
    throw new VergerError(
      'usage_invalid',
      `Expected a backbone beside --precision int8, received ${source}, whose head was trained on features in float32`,
      { hint: 'verger train DATASET --precision int8 trains the head on features in 8 bit.' },
    )
  }
  const backbone = findBackbone(source, config.home)
  const found = await resolvePhotoSources([photos], {
    ...{ cwd, stdin },
    maxBytes: config.limits.photoBytes,
  })
  const line = new StepLine(stderr, 'Fitting 8 bit to these photos')
  try {
    const { observed, figures } = await quantizeBackbone(
      {
        backbone,
        size: backbone.network.input.size,
        photos: await loadSample(found),
        maxPixels: config.limits.photoPixels,
      },
      { onPhoto: () => line.step(undefined) },
    )
    const refusal = refusalOf(figures)
    return refusal === undefined
      ? { classifier: { ...classifier, observed }, figures }
      : { classifier, figures, refusal }
  } finally {
    line.clear()
  }
}

/** Photos from all over; those that cannot be read are passed over. */
async function loadSample(found: readonly PhotoSource[]): Promise<(string | Uint8Array)[]> {
  const loaded = await Promise.all(
    sampleEvenly(found, SAMPLED_PHOTOS).map(({ load }) => load().catch(() => undefined)),
  )
  return loaded.filter((photo) => photo !== undefined)
}

function parseSource(source: string): ReturnType<typeof parseVersionPath> {
  try {
    return parseVersionPath(source)
  } catch (error) {
    throw new VergerError(
      'bundle_not_found',
      `Expected the id of a backbone, a folder with ${BUNDLE_MANIFEST}, or model/version, received ${JSON.stringify(source)}`,
      {
        hint: 'verger backbones list and verger models list show what there is.',
        cause: error,
      },
    )
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
