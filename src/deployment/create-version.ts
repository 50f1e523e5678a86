/**
 * Makes a version, wherever its classifier lies: fetch → read → test → store → register. Every step can be done again, and
 * nothing is registered before all others have passed, so that a run that was stopped is continued by the next one.
 */
import { storeBackbone } from '../backbones/portable-backbones.ts'
import { bundleId } from '../bundles/verify-bundle.ts'
import type { Config } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { versionTaken } from '../registry/register.ts'
import type { Registration, Registry, Version } from '../registry/registry.ts'
import type { BlobStore } from '../store/blob-store.ts'
import { openSource, type SourceProgress, type VersionOrigin } from './open-source.ts'
import type { ForeignFacts, ReadSource } from './read-source.ts'
import type { VersionTester } from './trial-host.ts'

/** What a version is made with. */
export interface Workshop {
  readonly registry: Registry
  readonly blobs: BlobStore
  /** Tests the version before anybody may ask for it. */
  readonly host: VersionTester
  readonly config: Pick<Config, 'home' | 'limits'>
}

/** What a version is called, and what is said of it. */
export type VersionNaming = Omit<Registration, 'files' | 'backboneFiles'>

export interface NewVersion extends VersionNaming {
  readonly from: VersionOrigin
  /** What the user knows about a classifier that was made elsewhere. */
  readonly facts?: ForeignFacts
}

export type CreateProgress =
  | SourceProgress
  | { readonly stage: 'testing' | 'storing' | 'registering' }

export interface CreateOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: CreateProgress) => void
  /** What a person should know. */
  readonly onNote?: (note: string) => void
}

/**
 * Makes a version that answers as its golden predictions say; the same source under the same name again is no fault.
 * Throws what `openSource`, `prepare` and `register` throw, or the reason of the signal; nothing is registered then.
 */
export async function createVersion(
  workshop: Workshop,
  { from, facts = {}, ...naming }: NewVersion,
  options: CreateOptions = {},
): Promise<Version> {
  const source = await openSource(from, facts, { ...workshop.config, ...options })
  return registerSource(workshop, source, naming, options)
}

/** Makes a version of what `openSource` gave. */
export async function registerSource(
  workshop: Omit<Workshop, 'config'>,
  source: ReadSource,
  naming: VersionNaming,
  options: CreateOptions = {},
): Promise<Version> {
  const { signal, onProgress } = options
  await testSource(workshop, source, naming, options)
  onProgress?.({ stage: 'storing' })
  const { files, backbone } = source
  const backboneFiles = await storeBackbone(backbone, workshop.blobs)
  signal?.throwIfAborted()
  onProgress?.({ stage: 'registering' })
  return workshop.registry.register({
    ...naming,
    files,
    ...(backboneFiles === undefined ? {} : { backboneFiles }),
  })
}

/** Does all that could refuse a version before anything is kept; without a registry every name is free. */
export async function testSource(
  {
    registry,
    host,
  }: Pick<Workshop, 'host'> & { readonly registry: Pick<Registry, 'resolveVersion'> | undefined },
  { files, backbone }: ReadSource,
  { model, version }: Pick<VersionNaming, 'model' | 'version'>,
  { signal, onProgress }: CreateOptions = {},
): Promise<void> {
  onProgress?.({ stage: 'testing' })
  const bundle = bundleId(files)
  const existing = version === undefined ? undefined : await findVersion(registry, model, version)
  if (existing !== undefined && existing.bundle !== bundle) throw versionTaken(existing, bundle)
  await host.prepare(files, backbone)
  signal?.throwIfAborted()
}

async function findVersion(
  registry: Pick<Registry, 'resolveVersion'> | undefined,
  model: string,
  version: string,
): Promise<Version | undefined> {
  try {
    return await registry?.resolveVersion(model, version)
  } catch (error) {
    const isNew =
      error instanceof VergerError && ['model_unknown', 'version_unknown'].includes(error.code)
    if (isNew) return undefined
    throw error
  }
}
