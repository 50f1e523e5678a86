/** Trains with the built program, and looks at what it left in a home. */
import { expect } from 'vitest'
import { loadClassifier } from '../../dist/bundles/classifier.js'
import { listDatasetVersions, loadDatasetVersion } from '../../dist/datasets/versions.js'
import { createRegistry } from '../../dist/registry/registry.js'
import { openStore } from '../../dist/store/store.js'
import type { Sandbox } from '../cli/verger.ts'

/** What `verger train --json` prints, as far as tests look at it. */
export interface TrainingResult {
  readonly bundle: string
  readonly model: string | null
  readonly version: string | null
  readonly isDefault: boolean
  readonly folder: string | null
  readonly labels: readonly string[]
  readonly mode: {
    readonly asked: string
    readonly taken: string
    readonly reason: string | null
  }
  readonly elapsedMs: number
  readonly accuracy: { readonly value: number }
  readonly settings: {
    readonly dataset: string
    readonly photos: number
    readonly photosPerLabel: readonly number[]
  }
  readonly findings: readonly {
    readonly kind: string
    readonly message: string
    readonly paths: readonly string[]
    readonly error?: { readonly code: string }
  }[]
}

/** Runs `verger train … --json` in the folder of the sandbox, and expects it to succeed. */
export async function train(
  sandbox: Sandbox,
  args: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TrainingResult> {
  const { stdout, stderr, exit } = await sandbox.run(
    `cd "$SANDBOX" && exec verger train ${args} --json`,
    env,
  )
  expect(exit, stderr).toBe(0)
  return JSON.parse(stdout)
}

/** Loads every version and dataset of a home, each file against its hash; gives version → bundle of a model. */
export async function readWholeHome(home: string, model: string): Promise<Map<string, string>> {
  const store = await openStore({ home })
  try {
    for (const { id } of await listDatasetVersions(store)) {
      expect((await loadDatasetVersion(store, id)).photos).not.toHaveLength(0)
    }
    const registry = createRegistry(store)
    const models = await registry.listModels()
    const isThere = models.some(({ name }) => name === model)
    const versions = isThere ? await registry.listVersions(model) : []
    for (const version of versions) {
      const files = new Map<string, Uint8Array>()
      for (const name of Object.keys(version.files)) {
        files.set(name, await registry.readVersionFile(version, name))
      }
      expect(loadClassifier(files).id).toBe(version.bundle)
    }
    if (versions.length > 0) expect(versions).toContainEqual(await registry.resolveVersion(model))
    return new Map(versions.map(({ name, bundle }) => [name, bundle]))
  } finally {
    await store.close()
  }
}
