/** Finds a version or a bundle, and puts it where it was asked for. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ExportFormat } from '../bundles/export/export-formats.ts'
import { exportBundle } from '../bundles/export/exported-classifier.ts'
import { writeExport } from '../bundles/export/write-export.ts'
import { BUNDLE_EXTRAS, BUNDLE_MANIFEST, bundleId } from '../bundles/verify-bundle.ts'
import { type Publication, planBundle, planFolder } from '../deployment/plan-publication.ts'
import { publish } from '../deployment/publish.ts'
import { type ReadBundle, readBundle } from '../deployment/read-bundle.ts'
import { parseVersionPath } from '../registry/names.ts'
import { readVersion } from '../serving/version-source.ts'
import { ByteProgressLine } from './byte-progress-line.ts'
import type { CommandContext } from './context.ts'
import { resolveOrigin } from './narrate-source.ts'
import { printJson } from './print-json.ts'
import { plural } from './render.ts'
import { formatBytes, shortId } from './render-dataset.ts'
import { withRegistry } from './with-registry.ts'
import { withTemporaryHome } from './with-temporary-home.ts'

export type PublishFormat = 'bundle' | ExportFormat

export interface PublishPlan {
  /** `model`, `model/version`, or folder of a bundle. */
  readonly source: string
  readonly to: string
  readonly format: PublishFormat
  readonly dryRun: boolean
  readonly json: boolean
}

export async function runPublish(context: CommandContext, plan: PublishPlan): Promise<void> {
  const { config, cwd } = context
  const to = resolveOrigin(plan.to, cwd)
  const bundle = await findBundle(context, plan.source)
  const { format } = plan
  if (format === 'bundle') return put(context, plan, bundle, await planBundle(bundle), to)
  await withTemporaryHome(async (folder) => {
    const exported = join(folder, 'export')
    const { name } = bundle
    await writeExport(await exportBundle(bundle.files, name, config.home), format, exported)
    await put(context, plan, bundle, await planFolder(exported), to)
  })
}

interface NamedBundle extends ReadBundle {
  /** What people call it; its id where it has no name. */
  readonly name: string
}

async function findBundle(context: CommandContext, source: string): Promise<NamedBundle> {
  const { config, cwd } = context
  const folder = resolve(cwd, source)
  const isFolder = await stat(join(folder, BUNDLE_MANIFEST)).then(
    () => true,
    () => false,
  )
  if (isFolder) {
    const bundle = await readBundle(folder, config.home)
    return { ...bundle, name: shortId(bundleId(bundle.files)) }
  }
  const { model, version } = parseVersionPath(source)
  return withRegistry(context, async (registry, { blobs }) => {
    const found = await registry.resolveVersion(model, version)
    const { files, backbone } = await readVersion({ registry, blobs, home: config.home }, found)
    const extras = new Map(files)
    for (const name of BUNDLE_EXTRAS.filter((each) => Object.hasOwn(found.files, each))) {
      extras.set(name, await registry.readVersionFile(found, name))
    }
    return { files: extras, backbone, name: `${found.model}/${found.name}` }
  })
}

async function put(
  context: CommandContext,
  { format, dryRun, json }: PublishPlan,
  { name, files }: NamedBundle,
  publication: Publication,
  to: string,
): Promise<void> {
  const { stdout, stderr } = context
  const facts = { name, bundle: bundleId(files), format, to }
  const listed = publication.map((file) => ({ name: file.name, sizeBytes: file.sizeBytes }))
  const total = formatBytes(publication.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
  if (dryRun) {
    if (json) return printJson(context, { dryRun, ...facts, files: listed })
    const lines = listed.map(
      (file) => `  ${file.name.padEnd(28)} ${formatBytes(file.sizeBytes).padStart(7)}\n`,
    )
    stdout.write(`Would publish ${name} to ${to}, ${total}\n${lines.join('')}`)
    return
  }
  const line = new ByteProgressLine(stderr, 'published')
  const onProgress = (done: number, all: number) => line.update(done, all)
  const { put, kept } = await publish(publication, to, { onProgress }).finally(() => line.clear())
  if (json) return printJson(context, { ...facts, put, kept })
  const sent =
    put.length === 0 ? 'all of it was there already' : `${plural(put.length, 'file')} put`
  const rest = put.length === 0 || kept.length === 0 ? '' : `, ${kept.length} there already`
  stdout.write(
    `Published ${name} to ${to} (${total}, ${sent}${rest})\n  verger versions create MODEL/VERSION --from ${to}\n`,
  )
}
