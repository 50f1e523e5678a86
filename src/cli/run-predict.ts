/** Predicts photos in the order in which they were named, many at once, and writes each answer as it is ready. */
import { once } from 'node:events'
import { resolve } from 'node:path'
import { pMapIterable } from 'p-map'
import { readBundleFolder } from '../bundles/verify-bundle.ts'
import { EXIT_CODES } from '../core/errors.ts'
import { openPredictor, predictOrFail } from '../serving/predictor.ts'
import { bundleVersion, registryVersions, type VersionSource } from '../serving/version-source.ts'
import type { CommandContext, Terminal } from './context.ts'
import { type PhotoSource, resolvePhotoSources } from './photo-sources.ts'
import { createPredictionWriter, type PredictionFormat } from './prediction-formats.ts'
import { formatDuration, ProgressLine, plural, renderError } from './render.ts'

export interface PredictPlan {
  readonly sources: readonly string[]
  readonly format: PredictionFormat
  readonly top: number
  readonly answerer: PlannedAnswerer
}

/** Who answers: a version of a model, a bundle or a backbone; the default backbone where nothing is named. */
interface PlannedAnswerer {
  readonly model?: string
  readonly version?: string
  /** Folder of a bundle. */
  readonly bundle?: string
  readonly backbone?: string
}

/** Photos in flight per worker: one that runs and one that waits, so that no worker is idle between two photos. */
const IN_FLIGHT_PER_WORKER = 2

/** Sets exit code 1 when a photo could not be read. Throws before any photo is read where nobody can answer. */
export async function runPredict(context: CommandContext, plan: PredictPlan): Promise<void> {
  const { config, stdout, stderr } = context
  const { backbone, versions } = await openAnswerer(context, plan.answerer)
  const predictor = openPredictor({
    home: config.home,
    workers: config.workers,
    // What is in flight is bounded here, so the queue needs to hold no more.
    limits: { ...config.limits, queuedPhotos: config.workers * IN_FLIGHT_PER_WORKER },
    ...(backbone === undefined ? {} : { backbone }),
    ...(versions === undefined ? {} : { versions }),
  })
  try {
    const photos = await resolvePhotoSources(plan.sources, {
      cwd: context.cwd,
      stdin: context.stdin,
      maxBytes: config.limits.photoBytes,
    })
    const writer = createPredictionWriter(plan.format, photos.length === 1)
    const line = new ProgressLine(stderr, 'photo', photos.length)
    let failed = 0
    let isRead = true
    stdout.once('error', () => {
      isRead = false
    })
    const answer = (source: string, load: PhotoSource['load']) =>
      predictOrFail(source, async () =>
        predictor.predict({ source, photo: await load(), top: plan.top }),
      )
    const answers = pMapIterable(photos, ({ source, load }) => answer(source, load), {
      concurrency: predictor.workers * IN_FLIGHT_PER_WORKER,
      backpressure: predictor.workers * IN_FLIGHT_PER_WORKER * 8,
    })
    for await (const answer of answers) {
      if ('error' in answer) {
        failed++
        line.clear()
        stderr.write(renderError(stderr, answer.error, answer.source))
      } else if (stdout.isTTY === true) line.clear()
      await write(stdout, writer.write(answer))
      if (!isRead) return
      if (photos.length > 1) line.add()
    }
    await write(stdout, writer.end())
    if (photos.length > 1) stderr.write(summary(line, failed))
    if (failed > 0) context.setExitCode(EXIT_CODES.failure)
  } finally {
    await predictor.close()
  }
}

/** One version for the whole command, also where the default is switched while it runs. */
async function openAnswerer(
  context: CommandContext,
  { model, version, bundle, backbone }: PlannedAnswerer,
): Promise<{ readonly versions?: VersionSource; readonly backbone?: string | undefined }> {
  if (bundle !== undefined) {
    return answeringWith(bundleVersion(await readBundleFolder(resolve(context.cwd, bundle))))
  }
  if (model === undefined) return { backbone }
  const { withRegistry } = await import('./with-registry.ts')
  const served = await withRegistry(context, (registry) =>
    registryVersions(registry).find(model, version),
  )
  return answeringWith({ find: async () => served })
}

/** What a version stands on is opened first, so that no other backbone is loaded for it. */
async function answeringWith(versions: VersionSource) {
  const served = await versions.find(undefined, undefined)
  return { versions, backbone: served?.classifier.manifest.backbone.id }
}

function summary(line: ProgressLine, failed: number): string {
  const { done, elapsedMs } = line.finish()
  const rate = Math.round(done / (elapsedMs / 1000))
  const bad = failed === 0 ? '' : `, ${plural(failed, 'photo')} could not be read`
  return `${plural(done, 'photo')} in ${formatDuration(elapsedMs)} (${rate}/s)${bad}\n`
}

/** Waits until the stream takes more. What goes wrong with standard output is reported once, by `main`. */
async function write(stream: Terminal, text: string): Promise<void> {
  if (text !== '' && !stream.write(text)) await once(stream, 'drain').catch(() => {})
}
