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
import { BUNDLE_MANIFEST, readBundleFolder } from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import { parseVersionPath } from '../registry/names.ts'
import { registryVersions } from '../serving/version-source.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { plural } from './render.ts'
import { formatBytes } from './render-dataset.ts'
import { withRegistry } from './with-registry.ts'

export interface ExportPlan {
  /** Id of a backbone, folder of a bundle, `model` or `model/version`. */
  readonly source: string
  readonly format: ExportFormat
  readonly out: string
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
  const classifier = await findClassifier(context, source)
  const files = await writeExport(classifier, format, folder)
  const { name, labels } = classifier
  if (json) return printJson(context, { name, format, folder, files, labels: labels.length })
  const listed = files.map(
    (file) => `  ${file.name.padEnd(24)} ${formatBytes(file.sizeBytes).padStart(7)}\n`,
  )
  stdout.write(
    `Exported ${name} with ${plural(labels.length, 'label')} to ${out}\n${listed.join('')}${USES[format]}\n`,
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
    return exportBackbone(findBackbone(source, config.home))
  }
  const folder = resolve(cwd, source)
  if (await isThere(join(folder, BUNDLE_MANIFEST))) {
    return exportBundle(await readBundleFolder(folder), undefined, config.home)
  }
  const { model, version } = parseSource(source)
  const served = await withRegistry(context, (registry) =>
    registryVersions(registry).find(model, version),
  )
  if (served === undefined || !('model' in served.answerer)) {
    throw new RangeError('Expected a version of a model that was named, received none')
  }
  const { answerer, files } = served
  return exportBundle(files, `${answerer.model}/${answerer.version}`, config.home)
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
