/** A folder of this machine → a version. */

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { readBundleFolder, verifyBundle } from '../../../bundles/verify-bundle.ts'
import type { Config } from '../../../core/config.ts'
import { importModel } from '../../../importing/import-model.ts'
import type { Registration, Registry, Version } from '../../../registry/registry.ts'
import type { ServingHost } from '../../../serving/serving-host.ts'

export async function createVersion(
  { registry, host, config }: { registry: Registry; host: ServingHost; config: Config },
  { from, ...registration }: Omit<Registration, 'files'> & { readonly from: string },
  { signal, onProgress }: { signal: AbortSignal; onProgress: (message: string) => void },
): Promise<Version> {
  const isBundle = await access(join(from, 'bundle.json')).then(
    () => true,
    () => false,
  )
  const files = isBundle
    ? await readBundleFolder(from)
    : (
        await importModel(
          { path: from, guessesLabels: true },
          { home: config.home, limits: config.limits, signal, onNote: onProgress },
        )
      ).files
  verifyBundle(files)
  await host.prepare(files)
  return registry.register({ ...registration, files })
}
