/** `verger export`: a classifier in a format of the field. */
import { Command, Option } from 'commander'
import { EXPORT_FORMATS, type ExportFormat } from '../../bundles/export/export-formats.ts'
import type { CommandContext } from '../context.ts'

interface ExportOptions {
  readonly format: ExportFormat
  readonly out: string
  readonly precision: 'float32' | 'int8'
  readonly photos?: string
  readonly json?: boolean
}

export function createExportCommand(context: CommandContext): Command {
  return new Command('export')
    .summary('write a classifier for TensorFlow or ONNX Runtime')
    .description(
      'Writes a backbone with its own classes, or a trained classifier, as a folder that other programs load: ' +
        'saved-model takes photos as base64 text or bytes and decodes them, onnx takes pixels. ' +
        'Both resize, normalise and name the photo by themselves. What lies at --out is never replaced.',
    )
    .argument(
      '<source>',
      'id of a backbone, folder of a bundle, or model[/version] (default: its default)',
    )
    .addOption(
      new Option('--format <format>', 'what to write')
        .choices([...EXPORT_FORMATS])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(
      new Option(
        '--precision <type>',
        'numbers the network computes in; int8 is taken where it keeps what it sees and is faster here',
      )
        .choices(['float32', 'int8'])
        .default('float32'),
    )
    .option('--photos <dir>', 'photos that int8 is fitted to, like those it will see')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger export efficientnet-lite0 --format saved-model --out lite0
  $ verger export fruits/v1 --format onnx --out fruits-onnx
  $ verger export efficientnet-lite0 --format onnx --precision int8 --photos photos/ --out lite0-int8`,
    )
    .action(async (source: string, options: ExportOptions) => {
      const { format, out, precision, photos, json = false } = options
      const { runExport } = await import('../run-export.ts')
      await runExport(context, { source, format, out, precision, photos, json })
    })
}
