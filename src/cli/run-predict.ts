/** Predicts photos in the order in which they were named, many at once, and writes each answer as it is ready. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pMapIterable } from 'p-map'
import { type Backbone, findBackbone } from '../backbones/catalog.ts'
import { BUNDLE_MANIFEST } from '../bundles/verify-bundle.ts'
import { formatDuration } from '../core/durations.ts'
import { EXIT_CODES } from '../core/errors.ts'
import { type ReadBundle, readBundle } from '../deployment/read-bundle.ts'
import type { ScalingName } from '../importing/import-task.ts'
import { type Answerer, answerOrFail, type Prediction } from '../serving/answer.ts'
import { openServingHost } from '../serving/serving-host.ts'
import { bundleVersion, readVersion, type VersionSource } from '../serving/version-source.ts'
import type { CommandContext, Terminal } from './context.ts'
import { type PhotoSource, resolvePhotoSources } from './photo-sources.ts'
import { createPredictionWriter, type PredictionFormat } from './prediction-formats.ts'
import { printable } from './printable.ts'
import { ProgressLine, paint, plural, renderError } from './render.ts'
import type { ServerAddress } from './server-choice.ts'

export interface PredictPlan {
  readonly sources: readonly string[]
  readonly format: PredictionFormat
  readonly top: number
  readonly answerer: PlannedAnswerer
  /** Undefined stands for this machine. */
  readonly server: ServerAddress | undefined
}

/** Who answers: a version of a model, a bundle or a backbone; the default backbone where nothing is named. */
interface PlannedAnswerer {
  readonly model?: string
  readonly version?: string
  /** Folder of a bundle, or file or folder of a classifier that was made elsewhere. */
  readonly bundle?: string
  /** How levels enter a classifier that was made elsewhere. */
  readonly scaling?: ScalingName
  readonly backbone?: string
}

/** Who answers photos, one of this machine or a server. */
export interface PhotoAnswerer {
  /** How many photos are asked about at once. */
  readonly concurrency: number
  /** Rejects with a VergerError. */
  predict(source: string, photo: string | Uint8Array, top: number): Promise<Prediction>
  close(): Promise<void>
}

/** Sets exit code 1 when a photo could not be read. Throws before any photo is read where nobody can answer. */
export async function runPredict(context: CommandContext, plan: PredictPlan): Promise<void> {
  const { config, stdout, stderr } = context
  const answerer =
    plan.server === undefined
      ? await openLocal(context, plan.answerer)
      : (await import('./server-answerer.ts')).openServerAnswerer(
          plan.server,
          plan.answerer,
          config.limits,
        )
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
    const answer = ({ source, load }: PhotoSource) =>
      answerOrFail(source, async () => answerer.predict(source, await load(), plan.top))
    const answers = pMapIterable(photos, answer, {
      concurrency: answerer.concurrency,
      backpressure: answerer.concurrency * 8,
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
    await answerer.close()
  }
}

/** Photos in flight per worker: one that runs and one that waits, so that no worker is idle between two photos. */
const IN_FLIGHT_PER_WORKER = 2

async function openLocal(context: CommandContext, named: PlannedAnswerer): Promise<PhotoAnswerer> {
  const { config } = context
  const { backbone, versions } = await openAnswerer(context, named)
  const concurrency = config.workers * IN_FLIGHT_PER_WORKER
  const host = openServingHost({
    home: config.home,
    workers: config.workers,
    // What is in flight is bounded here, so the queue needs to hold no more.
    limits: { ...config.limits, queuedPhotos: concurrency },
    ...(backbone === undefined ? {} : { backbone }),
    ...(versions === undefined ? {} : { versions }),
  })
  return {
    concurrency,
    predict: (source, photo, top) => host.predict({ source, photo, top }),
    close: () => host.close(),
  }
}

/** One version for the whole command, also where the default is switched while it runs. */
async function openAnswerer(
  context: CommandContext,
  { model, version, bundle, backbone, scaling }: PlannedAnswerer,
): Promise<OpenAnswerer> {
  const { home } = context.config
  if (bundle !== undefined) return openBundle(context, resolve(context.cwd, bundle), scaling)
  if (model === undefined) return { backbone }
  const { withRegistry } = await import('./with-registry.ts')
  return withRegistry(context, async (registry, { blobs }) => {
    const found = await registry.resolveVersion(model, version)
    const named = { model: found.model, version: found.name }
    return answeringWith(await readVersion({ registry, blobs, home }, found), named)
  })
}

interface OpenAnswerer {
  readonly versions?: VersionSource
  readonly backbone?: string | Backbone | undefined
}

/** What a version stands on is opened first, so that no other backbone is loaded for it. */
const answeringWith = ({ files, backbone }: ReadBundle, named?: Answerer): OpenAnswerer => ({
  versions: bundleVersion(files, { named, backbone }),
  backbone,
})

/** A bundle as it is; anything else is read as a classifier that was made elsewhere, and kept in the cache. */
async function openBundle(
  { config, stderr }: CommandContext,
  path: string,
  scaling: ScalingName | undefined,
): Promise<OpenAnswerer> {
  const isBundle = existsSync(join(path, BUNDLE_MANIFEST))
  if (isBundle || !existsSync(path)) {
    return answeringWith(await readBundle(path, config.home))
  }
  const { importCached } = await import('../importing/cached-imports.ts')
  const { files, home, isNew, backbone } = await importCached(
    { path, scaling, guessesLabels: true },
    { home: config.home, limits: config.limits },
  )
  if (isNew) {
    for (const text of [`Read as ${backbone.readAs}`, ...backbone.notes]) {
      stderr.write(`${paint(stderr, 'yellow', 'note')} ${printable(text)}\n`)
    }
  }
  return answeringWith({ files, backbone: findBackbone(backbone.id, home) })
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
