/** Shows a saved dataset version: what it holds, and with `--json` every photo of it. */
import { countLabels } from '../datasets/label-counts.ts'
import { loadDatasetVersion } from '../datasets/versions.ts'
import { openStore } from '../store/store.ts'
import type { CommandContext } from './context.ts'
import { formatTime } from './formats.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { plural } from './render.ts'
import { formatBytes, formatPixels, renderLabels } from './render-dataset.ts'

/** Throws `dataset_not_found` or `dataset_ambiguous`. */
export async function runDatasetsShow(
  context: CommandContext,
  { version: idOrName, json }: { readonly version: string; readonly json: boolean },
): Promise<void> {
  const { config, stdout } = context
  const store = await openStore(config)
  const version = await loadDatasetVersion(store, idOrName).finally(() => store.close())
  const { id, name, source, root, createdAt, sizeBytes, photos } = version
  const labels = countLabels(photos)
  if (json) {
    printJson(context, { ...version, labels })
    return
  }
  const facts = [
    ['version', id],
    ['name', printable(name)],
    ['source', printable(source)],
    ...(root === source ? [] : [['folder', printable(root)]]),
    ['saved', `${formatTime(createdAt)}`],
    ['photos', `${plural(photos.length, 'photo')} under ${plural(labels.length, 'label')}`],
    ['size', `${formatBytes(sizeBytes)}, ${formatPixels(photos)}`],
  ]
  stdout.write(facts.map(([fact = '', value]) => `${fact.padEnd(9)}${value}\n`).join(''))
  stdout.write(`\n${renderLabels(stdout, labels)}`)
}
