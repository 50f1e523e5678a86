/** Reads a bundle and holds every file of it against its hash before anybody uses it. */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { findBundleFaults } from './bundle-faults.ts'
import type { BundleManifest } from './bundle-manifest.ts'

/** Name of the file that names all others. */
export const BUNDLE_MANIFEST = 'bundle.json'
/** Files beside a bundle that are no part of its id. */
export const BUNDLE_EXTRAS = ['report.html', 'report.json', 'created.json'] as const

/** The files of a bundle by their name. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>

/** Reads the files of a bundle folder. Throws `bundle_not_found`, or `bundle_damaged` where a file of it is missing. */
export async function readBundleFolder(folder: string): Promise<BundleFiles> {
  const files = new Map<string, Uint8Array>()
  const manifest = await readFile(folder, BUNDLE_MANIFEST)
  files.set(BUNDLE_MANIFEST, manifest)
  for (const name of Object.keys(parseBundleManifest(manifest).files)) {
    files.set(name, await readFile(folder, name))
  }
  for (const name of BUNDLE_EXTRAS) {
    const bytes = await fs.readFile(join(folder, name)).catch(() => undefined)
    if (bytes !== undefined) files.set(name, bytes)
  }
  return files
}

async function readFile(folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, name)
  try {
    return await fs.readFile(path)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new VergerError(
      isMissing && name === BUNDLE_MANIFEST ? 'bundle_not_found' : 'bundle_damaged',
      `Expected a bundle with ${name} at ${folder}, received ${isMissing ? 'no such file' : String(error)}`,
      { hint: 'A bundle is the folder that verger train --out writes.', cause: error },
    )
  }
}

/** Checks every file against the manifest and gives the manifest. Throws `bundle_damaged` naming the file. */
export function verifyBundle(files: BundleFiles): BundleManifest {
  const manifest = parseBundleManifest(files.get(BUNDLE_MANIFEST) ?? new Uint8Array())
  for (const [name, expected] of Object.entries(manifest.files)) {
    const bytes = files.get(name)
    if (bytes === undefined) throw damaged(`Expected the file ${name} in the bundle, found none`)
    const received = sha256(bytes)
    if (received !== expected.sha256) {
      throw damaged(`Expected SHA-256 ${expected.sha256} for ${name}, received ${received}`)
    }
  }
  return manifest
}

/** Id of a bundle: the hash of its manifest. */
export const bundleId = (files: BundleFiles): string =>
  sha256(files.get(BUNDLE_MANIFEST) ?? new Uint8Array())

/** Throws `bundle_damaged`, or `bundle_too_new` where a later Verger wrote it. */
export function parseBundleManifest(bytes: Uint8Array): BundleManifest {
  let manifest: Partial<BundleManifest> | null
  try {
    manifest = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    throw damaged(`Expected JSON in ${BUNDLE_MANIFEST}: ${String(error)}`, error)
  }
  if (typeof manifest?.format === 'number' && manifest.format > 1) {
    throw new VergerError(
      'bundle_too_new',
      `Expected a bundle of format 1, received format ${manifest.format}`,
      { hint: 'Update Verger.' },
    )
  }
  const faults = [...(manifest?.format === 1 ? [] : ['format']), ...findBundleFaults(manifest)]
  if (faults.length > 0) {
    throw damaged(
      `Expected ${BUNDLE_MANIFEST} to describe a bundle of format 1, received other values, or none, in ${faults.join(', ')}`,
    )
  }
  return manifest as BundleManifest
}

function damaged(message: string, cause?: unknown): VergerError {
  return new VergerError('bundle_damaged', message, {
    hint: 'Copy the bundle again from where it came, or train it again: the same photos and seed give the same bundle.',
    ...(cause === undefined ? {} : { cause }),
  })
}
