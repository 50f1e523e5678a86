/** `verger predict`: photos from files, folders, globs, URLs or standard input → named scores. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_TOP } from '../../core/config.ts'
import { VergerError } from '../../core/errors.ts'
import type { CommandContext } from '../context.ts'
import { PREDICTION_FORMATS, type PredictionFormat } from '../prediction-formats.ts'
import { addServerOptions, chooseServer, type ServerOptions } from '../server-choice.ts'

interface PredictOptions extends ServerOptions {
  readonly model?: string
  readonly version?: string
  readonly bundle?: string
  readonly backbone?: string
  readonly scaling?: '-1..1'
  readonly top: number
  readonly format?: PredictionFormat
  readonly json?: true
}

/** The same as `SCALING_NAMES`, which is not imported so that help stays fast. */
const SCALINGS = ['-1..1', '0..1', '0..255', 'imagenet']

export function createPredictCommand(context: CommandContext): Command {
  const command = new Command('predict')
    .summary('name what is on photos')
    .description(
      'Names what is on photos. A photo that cannot be read is reported and the others go on.',
    )
    .argument('<photo...>', 'files, folders, globs, URLs, or - for standard input')
    .addOption(
      new Option('--model <model[/version]>', 'model that answers').conflicts([
        'bundle',
        'backbone',
      ]),
    )
    .option('--version <name>', 'version of the model (default: the one that answers)')
    .addOption(
      new Option(
        '--bundle <path>',
        'bundle that answers, as verger train --out writes it; or a classifier that was made elsewhere, e.g. an exported SavedModel',
      ).conflicts('backbone'),
    )
    .option('--backbone <id>', 'network whose own classes answer (default: efficientnet-lite0)')
    .addOption(
      new Option(
        '--scaling <scaling>',
        'how levels of 0 to 255 enter such a classifier, where its file does not tell',
      ).choices(SCALINGS),
    )
    .option('--top <n>', 'labels per photo', parseTop, DEFAULT_TOP)
    .addOption(
      new Option('--format <format>', 'form of the output (default: text)').choices(
        PREDICTION_FORMATS,
      ),
    )
    .addOption(new Option('--json', 'the same as --format json').conflicts('format'))
    .addHelpText(
      'after',
      `
Examples:
  $ verger predict apple.jpg
  $ verger predict apple.jpg --model fruits/v2
  $ verger predict apple.jpg --bundle exported/
  $ verger predict photos/ --top 1 --format csv > labels.csv
  $ verger predict 'photos/**/*.jpg' --format ndjson
  $ verger predict photos/ --server https://verger.example.org --model fruits
  $ curl -s https://example.org/apple.jpg | verger predict - --json

Exit codes: 0 every photo was read, 1 one or more were not, 2 usage.`,
    )
    .action(async (sources: string[], options: PredictOptions) => {
      const {
        json,
        format = json === true ? 'json' : 'text',
        top,
        server,
        local,
        ...named
      } = options
      const answerer = nameVersion(named)
      const { runPredict } = await import('../run-predict.ts')
      const asked = await chooseServer(context, whereTo(options))
      await runPredict(context, { sources, format, top, answerer, server: asked })
    })
  return addServerOptions(command)
}

/** A bundle or a backbone is of this machine, so a server that is set for all commands is not asked about it. */
function whereTo({ server, local, bundle, backbone }: PredictOptions): ServerOptions {
  const own = bundle === undefined ? (backbone === undefined ? undefined : 'backbone') : 'bundle'
  if (own === undefined) return { server, local }
  if (server === undefined) return { local: true }
  throw new VergerError('usage_invalid', `Expected --model beside --server, received --${own}`, {
    hint:
      own === 'bundle'
        ? 'Register the bundle first: verger versions create fruits/v1 --from DIR --server URL'
        : 'Without --model the network of the server answers.',
  })
}

/** `--model fruits/v1` is the same as `--model fruits --version v1`. */
function nameVersion<Named extends Pick<PredictOptions, 'model' | 'version'>>(named: Named): Named {
  const { model: path, version } = named
  if (path === undefined) {
    if (version === undefined) return named
    throw new VergerError('usage_invalid', 'Expected --model beside --version, received none', {
      hint: 'verger predict apple.jpg --model fruits --version v1',
    })
  }
  const slash = path.indexOf('/')
  if (slash < 0) return named
  if (version === undefined)
    return { ...named, model: path.slice(0, slash), version: path.slice(slash + 1) }
  throw new VergerError(
    'usage_invalid',
    `Expected one version, received --model ${path} and --version ${version}`,
    { hint: `verger predict apple.jpg --model ${path}` },
  )
}

function parseTop(value: string): number {
  const top = Number(value)
  if (Number.isInteger(top) && top >= 1) return top
  throw new InvalidArgumentError(`Expected a whole number from 1, received '${value}'.`)
}
