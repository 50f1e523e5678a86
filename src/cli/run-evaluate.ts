/** Measures a model, prints the figures and writes the report. */
import { join, resolve } from 'node:path'
import { type Backbone, findBackbone } from '../backbones/catalog.ts'
import { loadClassifier } from '../bundles/classifier.ts'
import { createFolder, writeFileAtomic } from '../core/atomic-write.ts'
import type { Limits } from '../core/config.ts'
import { formatDuration } from '../core/durations.ts'
import { VergerError } from '../core/errors.ts'
import type { DatasetPhoto } from '../datasets/manifest.ts'
import { loadDatasetVersion } from '../datasets/versions.ts'
import { readBundle } from '../deployment/read-bundle.ts'
import { createNetworkBundle } from '../importing/network-bundle.ts'
import { parseVersionPath } from '../registry/names.ts'
import { createRegistry } from '../registry/registry.ts'
import { readVersion } from '../serving/version-source.ts'
import { openStore, type Store } from '../store/store.ts'
import {
  chooseSide,
  evaluate,
  type NamedClassifier,
  type SideChoice,
} from '../training/evaluate.ts'
import { renderReport } from '../training/render-report.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { formatCount, ProgressLine, plural } from './render.ts'
import { renderFindings, shortId } from './render-dataset.ts'
import { renderEvaluation } from './render-evaluation.ts'
import { scanWithProgress } from './scan-with-progress.ts'

export interface RunEvaluatePlan {
  /** `model` or `model/version`. */
  readonly model: string | undefined
  readonly version: string | undefined
  readonly bundle: string | undefined
  /** Id of a backbone whose own classes are measured. */
  readonly backbone: string | undefined
  readonly dataset: string
  readonly glob: string | undefined
  readonly side: SideChoice
  readonly against: string | undefined
  readonly out: string | undefined
  readonly json: boolean
}

export async function runEvaluate(context: CommandContext, plan: RunEvaluatePlan): Promise<void> {
  const { config, cwd, stdout, stderr } = context
  const store = await openStore(config)
  try {
    const model = await findModel(store, context, plan)
    const against =
      plan.against === undefined
        ? undefined
        : await findVersion(store, config.home, plan.against, undefined)
    const { dataset } = await scanWithProgress(context, {
      dataset: plan.dataset,
      glob: plan.glob,
      headersOnly: true,
    })
    const broken = dataset.findings.filter(({ kind }) => kind === 'broken' || kind === 'no-label')
    if (broken.length > 0) stderr.write(`${renderFindings(stderr, broken)}\n`)
    const measured = chooseSide(dataset.photos, plan.side).photos.length
    const models = against === undefined ? 1 : 2
    const line = new ProgressLine(stderr, 'answer', models * measured)
    const report = await evaluate(
      {
        model,
        against,
        dataset,
        side: plan.side,
        learnedFrom: await learnedPhotos(store, model),
      },
      {
        home: config.home,
        workers: config.workers,
        limits: config.limits,
        onProgress: () => line.add(),
      },
    )
    const { done, elapsedMs } = line.finish()
    stderr.write(
      `${plural(done, 'answer')} in ${formatDuration(elapsedMs)} (${formatCount(Math.round(done / (elapsedMs / 1000)))}/s)\n`,
    )
    const name = `${model.name.replace('/', '-')}-on-${dataset.name}`
    const folder =
      plan.out === undefined ? join(config.home, 'reports', name) : resolve(cwd, plan.out)
    await createFolder(folder)
    await writeFileAtomic(join(folder, 'report.json'), `${JSON.stringify(report)}\n`)
    await writeFileAtomic(join(folder, 'report.html'), renderReport(report))
    if (plan.json) return printJson(context, report)
    stdout.write(
      `${model.name} on ${dataset.name}: ${report.dataset.choice}\n${renderEvaluation(stdout, report)}\n\nReport ${join(folder, 'report.html')}\n`,
    )
  } finally {
    await store.close()
  }
}

async function findModel(
  store: Store,
  { config, cwd }: CommandContext,
  { model, version, bundle, backbone }: RunEvaluatePlan,
): Promise<NamedClassifier> {
  if (model !== undefined) return findVersion(store, config.home, model, version)
  if (version !== undefined) {
    throw new VergerError('usage_invalid', 'Expected --model beside --version, received none', {
      hint: 'verger evaluate --model fruits --version v1 --dataset market-photos/',
    })
  }
  if (backbone !== undefined) return openBackbone(findBackbone(backbone, config.home), config)
  if (bundle === undefined) {
    throw new VergerError(
      'usage_invalid',
      'Expected --model, --bundle or --backbone, received none',
      {
        hint: 'verger models list shows the models that there are.',
      },
    )
  }
  const { files } = await readBundle(resolve(cwd, bundle), config.home)
  const classifier = loadClassifier(files)
  return { name: shortId(classifier.id), classifier }
}

/** The classifier that a backbone has of its own. */
async function openBackbone(
  backbone: Backbone,
  { limits }: { readonly limits: Limits },
): Promise<NamedClassifier> {
  const { id, labels, weights } = backbone
  const imported = { sha256: weights.sha256, readAs: `the backbone ${id}`, notes: [] }
  const files = await createNetworkBundle({ backbone, labels, imported }, { limits })
  return { name: id, classifier: loadClassifier(files) }
}

async function findVersion(
  store: Store,
  home: string,
  path: string,
  version: string | undefined,
): Promise<NamedClassifier> {
  const parsed = parseVersionPath(path)
  if (version !== undefined && parsed.version !== undefined) {
    throw new VergerError(
      'usage_invalid',
      `Expected one version, received ${path} and --version ${version}`,
      { hint: `verger versions list ${parsed.model}` },
    )
  }
  const registry = createRegistry(store)
  const found = await registry.resolveVersion(parsed.model, version ?? parsed.version)
  const { files } = await readVersion({ registry, blobs: store.blobs, home }, found)
  return {
    name: `${found.model}/${found.name}`,
    classifier: loadClassifier(files),
  }
}

/** Photos of the dataset version that a model was trained on; undefined where this home does not know it. */
async function learnedPhotos(
  store: Store,
  { classifier }: NamedClassifier,
): Promise<readonly DatasetPhoto[] | undefined> {
  const { training } = classifier.manifest
  if (training === undefined) return undefined
  try {
    return (await loadDatasetVersion(store, training.dataset)).photos
  } catch (error) {
    if (error instanceof VergerError && error.code === 'dataset_not_found') return undefined
    throw error
  }
}
