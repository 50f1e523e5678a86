/** `verger evaluate`: a report of a model on any dataset, alone or beside another version. */
import { Command, Option } from 'commander'
import type { CommandContext } from '../context.ts'

interface EvaluateOptions {
  readonly model?: string
  readonly version?: string
  readonly bundle?: string
  readonly backbone?: string
  readonly dataset: string
  readonly glob?: string
  readonly side: string
  readonly against?: string
  readonly out?: string
  readonly json?: true
}

export function createEvaluateCommand(context: CommandContext): Command {
  return new Command('evaluate')
    .summary('measure a model on a dataset')
    .description(
      'Measures a model on labelled photos and writes report.html and report.json: accuracy, confusions, calibration, ' +
        "what it gets wrong most surely, and with --against McNemar's test beside another version.",
    )
    .addOption(
      new Option('--model <name>', 'model that answers, e.g. fruits or fruits/v1').conflicts([
        'bundle',
        'backbone',
      ]),
    )
    .option('--version <name>', 'version of the model (default: its default)')
    .addOption(new Option('--bundle <dir>', 'bundle that answers').conflicts('backbone'))
    .option('--backbone <id>', 'network whose own classes are measured')
    .requiredOption(
      '--dataset <dataset>',
      'folder, archive, manifest, name or version of a dataset',
    )
    .option('--glob <pattern>', "photos to take, e.g. '**/*.jpg'")
    .addOption(
      new Option(
        '--side <side>',
        'photos that are measured; auto takes the test side where there is one, else the validation side, else all',
      )
        .choices(['auto', 'test', 'validation', 'train', 'all'])
        .default('auto'),
    )
    .option('--against <model[/version]>', 'version to compare with')
    .option('--out <dir>', 'folder for report.html and report.json')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger evaluate --model fruits --dataset sample-fruits
  $ verger evaluate --model fruits/v2 --against fruits/v1 --dataset market-photos/
  $ verger evaluate --bundle fruits-bundle --dataset market-photos/ --out report`,
    )
    .action(async (options: EvaluateOptions) => {
      const { runEvaluate } = await import('../run-evaluate.ts')
      await runEvaluate(context, {
        model: options.model,
        version: options.version,
        bundle: options.bundle,
        backbone: options.backbone,
        dataset: options.dataset,
        glob: options.glob,
        side: options.side as 'auto',
        against: options.against,
        out: options.out,
        json: options.json === true,
      })
    })
}
