/** Puts the page of photos as a fine-tuning sees them where it was asked for, and says what is on it. */
import { writeFileAtomic } from '../core/atomic-write.ts'
import { renderReport } from '../training/render-report.ts'
import type { PreviewReport } from '../training/report.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { plural } from './render.ts'

/** Throws `write_failed` or `disk_full`. */
export async function writePreview(
  context: CommandContext,
  path: string,
  preview: PreviewReport,
  json: boolean,
): Promise<void> {
  await writeFileAtomic(path, renderReport(preview))
  const { rows, size, seed, dataset } = preview
  const epochs = rows[0]?.epochs.length ?? 0
  if (json) {
    const photos = rows.map(({ label, path: photo }) => ({ label, path: photo }))
    return printJson(context, { sheet: path, size, seed, epochs, photos })
  }
  const labels =
    rows.length < dataset.labels
      ? `${rows.length} of ${plural(dataset.labels, 'label')}`
      : `each of ${plural(dataset.labels, 'label')}`
  context.stdout.write(
    `A photo of ${labels} as ${plural(epochs, 'epoch')} would see it, at ${size} px with seed ${seed}\nWritten to ${printable(path)}\n`,
  )
}
