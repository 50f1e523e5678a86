import { resolve } from 'node:path'
import { VergerError } from '../core/errors.ts'
import type { BackupManifest } from '../registry/backup/backup-form.ts'
import { restoreBackup } from '../registry/backup/restore-backup.ts'
import { writeBackup } from '../registry/backup/write-backup.ts'
import { findRegistry, hasRegistry } from '../store/has-registry.ts'
import type { StoreConfig } from '../store/store.ts'
import { ByteProgressLine } from './byte-progress-line.ts'
import type { CommandContext } from './context.ts'
import { formatTime } from './formats.ts'
import { printJson } from './print-json.ts'
import { plural } from './render.ts'
import { formatBytes } from './render-dataset.ts'
import { withRegistry } from './with-registry.ts'
import { withTemporaryHome } from './with-temporary-home.ts'

interface Asked {
  readonly dryRun: boolean
  readonly json: boolean
}

export async function runBackup(
  context: CommandContext,
  { out: given, dryRun, json }: Asked & { readonly out: string },
): Promise<void> {
  const { config, cwd, stdout, stderr } = context
  if (!(await hasRegistry(config))) throw noRegistry(config.home)
  const out = resolve(cwd, given)
  const line = new ByteProgressLine(stderr, 'copied')
  const manifest = await withRegistry(context, (_registry, store) =>
    writeBackup(store, {
      out,
      dryRun,
      onProgress: (doneBytes, totalBytes) => line.update(doneBytes, totalBytes),
    }),
  ).finally(() => line.clear())
  if (json) return printJson(context, { ...(dryRun ? {} : { out }), dryRun, ...manifest })
  stdout.write(`${dryRun ? 'Would back up' : 'Backed up'} ${describe(manifest)}.\n`)
  if (!dryRun) stdout.write(`${out}\n`)
}

export async function runRestore(
  context: CommandContext,
  {
    from: given,
    replace,
    dryRun,
    json,
  }: Asked & { readonly from: string; readonly replace: boolean },
): Promise<void> {
  const { config, cwd, stdout, stderr } = context
  const from = resolve(cwd, given)
  const line = new ByteProgressLine(stderr, dryRun ? 'verified' : 'restored')
  const { location, isThere } = await findRegistry(config)
  const restoreInto = (target: StoreConfig) =>
    withRegistry({ config: target }, (_registry, store) =>
      restoreBackup(store, {
        from,
        replace,
        dryRun,
        onProgress: (doneBytes, totalBytes) => line.update(doneBytes, totalBytes),
      }),
    ).finally(() => line.clear())
  // A trial makes no registry: an empty one elsewhere stands for it.
  const manifest = await (dryRun && !isThere
    ? withTemporaryHome((home) => restoreInto({ home }))
    : restoreInto(config))
  if (json) return printJson(context, { from, location, dryRun, ...manifest })
  stdout.write(
    `${dryRun ? 'Would restore' : 'Restored'} ${describe(manifest)}, of ${formatTime(manifest.createdAt)}, into ${location}.\n`,
  )
}

function describe({ rows, blobs }: BackupManifest): string {
  const counted = [
    ['models', 'model'],
    ['versions', 'version'],
    ['default_changes', 'change of what answers', 'changes of what answers'],
    ['corrections', 'corrected photo'],
    ['datasets', 'dataset'],
    ['tokens', 'token'],
  ] as const
  const parts = counted.flatMap(([table, one, many]) => {
    const count = rows[table] ?? 0
    if (count === 0) return []
    return [many === undefined || count === 1 ? plural(count, one) : `${count} ${many}`]
  })
  const files = `${plural(blobs.count, 'file')} (${formatBytes(blobs.sizeBytes)})`
  return [...(parts.length === 0 ? ['an empty registry'] : parts), files].join(', ')
}

function noRegistry(home: string): VergerError {
  return new VergerError(
    'registry_missing',
    `Expected a registry in ${home} to back up, found none`,
    {
      hint: 'Set VERGER_HOME, or VERGER_DATABASE_URL, to those of the server.',
      details: { home },
    },
  )
}
