/** Lists the datasets that were got and the dataset versions that were saved. */
import { listGotDatasets } from '../datasets/got-dataset.ts'
import { listDatasetVersions } from '../datasets/versions.ts'
import { openStore } from '../store/store.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { formatTime } from './formats.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatCount } from './render.ts'
import { formatBytes, shortId } from './render-dataset.ts'

export async function runDatasetsList(
  context: CommandContext,
  { json }: { readonly json: boolean },
): Promise<void> {
  const { config, stdout } = context
  const store = await openStore(config)
  const versions = await listDatasetVersions(store).finally(() => store.close())
  const datasets = await listGotDatasets(config.home)
  if (json) {
    printJson(context, { datasets, versions })
    return
  }
  if (datasets.length > 0) {
    const rows = datasets.map(({ name, title, licence }) => [name, title, licence].map(printable))
    const columns = [{ title: 'name' }, { title: 'title' }, { title: 'licence' }]
    stdout.write(`Datasets\n\n${renderColumns(columns, rows)}\n`)
  }
  if (versions.length > 0) {
    const rows = versions.map(({ id, name, photoCount, labelCount, sizeBytes, createdAt }) => [
      shortId(id),
      printable(name),
      formatCount(photoCount),
      formatCount(labelCount),
      formatBytes(sizeBytes),
      formatTime(createdAt),
    ])
    const columns = [
      { title: 'version' },
      { title: 'name' },
      { title: 'photos', align: 'right' },
      { title: 'labels', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'saved' },
    ] as const
    stdout.write(`Dataset versions\n\n${renderColumns(columns, rows)}`)
  }
  if (datasets.length + versions.length === 0) {
    stdout.write('No dataset yet: verger datasets scan FOLDER saves a version of one.\n')
  }
}
