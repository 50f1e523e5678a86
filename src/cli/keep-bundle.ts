/** Puts a trained bundle where it was asked for, and where that fails in a place where it is not lost. */
import { promises as fs } from 'node:fs'
import { join, resolve } from 'node:path'
import { findWantedBackbone, storeBackbone } from '../backbones/portable-backbones.ts'
import { writeBundleFolder } from '../bundles/encode-bundle.ts'
import {
  BUNDLE_MANIFEST,
  type BundleFiles,
  bundleId,
  readBundleFolder,
  verifyBundle,
} from '../bundles/verify-bundle.ts'
import { toVergerError, VergerError } from '../core/errors.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { saveDatasetVersion } from '../datasets/versions.ts'
import { auditedRegistry } from '../registry/audited-registry.ts'
import { currentUser } from '../registry/current-user.ts'
import { parseVersionPath } from '../registry/names.ts'
import type { Registration, Registry, Version } from '../registry/registry.ts'
import type { Store } from '../store/store.ts'
import type { Trained } from '../training/train.ts'
import type { CommandContext } from './context.ts'
import { shortId } from './render-dataset.ts'

export interface KeepPlan {
  readonly out: string | undefined
  /** `model` or `model/version`. */
  readonly register: string | undefined
  readonly setDefault: boolean
  /** What it was trained on. */
  readonly dataset: Pick<ScannedDataset, 'name' | 'source' | 'root'>
}

/** Where a trained bundle went. */
export interface Kept {
  readonly version: Version | undefined
  readonly isDefault: boolean
  /** Folder of the bundle; undefined where the registry alone has it. */
  readonly folder: string | undefined
}

/** Throws `bundle_exists` where `out` has files that are no bundle, so that nobody trains in vain. */
export async function refuseOccupied(
  { cwd }: CommandContext,
  out: string | undefined,
): Promise<void> {
  if (out === undefined) return
  const folder = resolve(cwd, out)
  const stats = await fs.stat(folder).catch(() => undefined)
  if (stats === undefined) return
  const names = stats.isDirectory() ? await fs.readdir(folder) : undefined
  // A bundle may be the one that this training gives.
  if (names?.length === 0 || names?.includes(BUNDLE_MANIFEST)) return
  throw new VergerError('bundle_exists', `Expected nothing at ${folder}, found files`, {
    hint: 'Name another folder with --out, or remove that one.',
  })
}

/**
 * Saves the dataset version, writes the bundle to `out`, or below the home where it has no other place, and registers it.
 * Throws `bundle_exists` or what saving and registering throw, after the bundle was put below the home.
 */
export async function keepBundle(
  { config, cwd }: CommandContext,
  store: Store,
  { out, register, setDefault, dataset }: KeepPlan,
  { files, bundle, prepared }: Trained,
): Promise<Kept> {
  const home = join(config.home, 'bundles', shortId(bundle))
  const target = register === undefined ? undefined : parseVersionPath(register)
  const registry = auditedRegistry(store, currentUser())
  let folder: string | undefined
  try {
    const { name, source, root } = dataset
    const photos = prepared.readable
    const sizeBytes = photos.reduce((sum, photo) => sum + photo.sizeBytes, 0)
    await saveDatasetVersion(store, { name, source, root, photos, sizeBytes })
    if (out !== undefined) folder = await writeBundleOnce(files, resolve(cwd, out))
    else if (target === undefined) folder = await writeBundleOnce(files, home)
    const why = `trained on ${name}`
    const registration = target && { ...target, files, setDefault, why }
    const version =
      registration && (await registerTrained(registry, store, config.home, registration))
    const isDefault =
      version !== undefined && (await registry.resolveVersion(version.model)).name === version.name
    return { version, isDefault, folder }
  } catch (error) {
    const safe = folder ?? (await writeBundleOnce(files, home).catch(() => undefined))
    throw safe === undefined ? error : withPlace(error, safe, target?.model)
  }
}

/** Its backbone goes with it, so that it answers wherever the registry is read. */
async function registerTrained(
  registry: Registry,
  { blobs }: Pick<Store, 'blobs'>,
  home: string,
  registration: Registration,
): Promise<Version> {
  const { backbone: wanted } = verifyBundle(registration.files)
  const backbone = findWantedBackbone(wanted, home)
  const backboneFiles = await storeBackbone(backbone, blobs)
  const carried = backboneFiles === undefined ? {} : { backboneFiles }
  return registry.register({ ...registration, ...carried })
}

/** Writes a bundle folder where it is not there yet, perhaps written by another process at the same time. */
export async function writeBundleOnce(files: BundleFiles, folder: string): Promise<string> {
  if (await holds(folder, files)) return folder
  try {
    await writeBundleFolder(files, folder)
  } catch (error) {
    if (!(await holds(folder, files))) throw error
  }
  return folder
}

/** Whether a folder holds this bundle, whole. */
async function holds(folder: string, wanted: BundleFiles): Promise<boolean> {
  try {
    const files = await readBundleFolder(folder)
    verifyBundle(files)
    return bundleId(files) === bundleId(wanted)
  } catch {
    return false
  }
}

function withPlace(error: unknown, folder: string, model: string | undefined): VergerError {
  const { code, message, hint = '', details, cause } = toVergerError(error)
  const next = model === undefined ? '' : `: verger versions create ${model} --from ${folder}`
  const place = `The trained bundle is kept in ${folder}${next}`
  return new VergerError(code, message, { hint: `${hint} ${place}`.trim(), details, cause })
}
