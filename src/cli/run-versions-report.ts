/** Writes the report of a registered version, or prints its figures. */
import { dirname, resolve } from 'node:path'
import { createFolder, writeFileAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { parseVersionPath } from '../registry/names.ts'
import type { CommandContext } from './context.ts'
import { withModels } from './models-api.ts'
import { printable } from './printable.ts'
import type { ServerAddress } from './server-choice.ts'

export interface VersionsReportPlan {
  /** Undefined stands for this machine. */
  readonly server: ServerAddress | undefined
  /** `fruits/v1`, or `fruits` for the version that answers. */
  readonly path: string
  /** File to write. */
  readonly out: string | undefined
  readonly json: boolean
}

/** Throws like `resolveVersion` and `readVersionFile`, and `usage_invalid` for `--out` beside `--json`. */
export async function runVersionsReport(
  context: CommandContext,
  { server, path, out, json }: VersionsReportPlan,
): Promise<void> {
  const { config, cwd, stdout } = context
  if (json && out !== undefined) throw twoPlaces(out)
  const { model, version: name } = parseVersionPath(path)
  const { version, report } = await withModels(context, server, async (models) => {
    const version = await models.resolveVersion(model, name)
    const report = await models.readVersionFile(version, json ? 'report.json' : 'report.html')
    return { version, report }
  })
  if (json) {
    stdout.write(report)
    return
  }
  const file =
    out === undefined
      ? resolve(config.home, 'reports', `${version.model}-${version.name}.html`)
      : resolve(cwd, out)
  if (out === undefined) await createFolder(dirname(file), { mode: 0o700 })
  await writeFileAtomic(file, report)
  stdout.write(`${printable(file)}\n`)
}

function twoPlaces(out: string): VergerError {
  return new VergerError('usage_invalid', `Expected --json or --out, received both (${out})`, {
    hint: 'With --json the figures go to standard output: verger versions report fruits --json > report.json',
  })
}
