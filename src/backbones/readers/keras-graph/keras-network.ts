/** Goes through a Keras model from its input to its output, models inside models among it. */
import { INPUT, type LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { NetworkDraft } from '../foreign/network-draft.ts'
import {
  isModel,
  isNumber,
  isObject,
  type Json,
  type JsonObject,
  type LayerConfig,
  type ModelConfig,
  readModelConfig,
} from './keras-config.ts'
import { isChannelsLast, KERAS_LAYERS } from './keras-operators.ts'

/** Where a layer stands in the models around it. */
export interface LayerPath {
  /** Names from the outermost layer to its own. */
  readonly names: readonly string[]
  /** The same as Keras 3 files them: the class in snake case, numbered where it comes again. */
  readonly filed: readonly string[]
}

export interface KerasNetworkOptions {
  /** Before Keras 3, or TensorFlow.js. */
  readonly isOldKeras: boolean
  /** Weights of a layer in the order in which Keras keeps them. */
  readonly weightsOf: (path: LayerPath) => readonly FloatTensor[]
}

/** Models inside models inside models: nobody stacks more. */
const MAX_DEPTH = 16
/** Calls of layers altogether; a description may refer to one model again and again. */
const MAX_CALLS = 20_000

/** Throws `model_unsupported` naming the first layer that we cannot run. */
export function buildKerasNetwork(model: ModelConfig, options: KerasNetworkOptions) {
  const { height, width } = findInputSize(model)
  const draft = new NetworkDraft(height, width)
  const notes = new Set<string>()
  const builder = new KerasBuilder(draft, options, notes)
  const output = builder.runModel(model, INPUT, { names: [], filed: [] })
  return { draft, output, notes: [...notes] }
}

class KerasBuilder {
  readonly #draft: NetworkDraft
  readonly #options: KerasNetworkOptions
  readonly #notes: Set<string>
  #calls = 0

  constructor(draft: NetworkDraft, options: KerasNetworkOptions, notes: Set<string>) {
    this.#draft = draft
    this.#options = options
    this.#notes = notes
  }

  runModel(model: ModelConfig, from: LayerId, path: LayerPath): LayerId {
    if (path.names.length > MAX_DEPTH)
      throw unsupportedModel(`Expected at most ${MAX_DEPTH} models in each other`)
    const paths = placeLayers(model, path)
    if (model.output !== undefined) return this.#runFunctional(model, model.output, from, paths)
    return model.layers.reduce(
      (result, layer) => this.#call(layer, [result], [], paths.get(layer)!),
      from,
    )
  }

  /** Goes back from the output to what each call reads, without recursion: a chain may be long. */
  #runFunctional(
    { layers }: ModelConfig,
    output: { readonly layer: string; readonly call: number },
    from: LayerId,
    paths: ReadonlyMap<LayerConfig, LayerPath>,
  ): LayerId {
    const byName = new Map(layers.map((layer) => [layer.name, layer]))
    const results = new Map<string, LayerId>()
    const begun = new Set<string>()
    const keyOf = ({ layer, call }: { layer: string; call: number }) => `${call} ${layer}`
    const waiting = [output]
    for (let next = waiting.at(-1); next !== undefined; next = waiting.at(-1)) {
      const key = keyOf(next)
      const layer = byName.get(next.layer)
      if (layer === undefined)
        throw invalidModel(`Expected the layer ${next.layer}, which another reads`)
      if (results.has(key)) {
        waiting.pop()
        continue
      }
      if (layer.kind === 'InputLayer') {
        results.set(key, from)
        continue
      }
      const call = layer.calls[next.call]
      if (call === undefined) {
        throw invalidModel(
          `Expected call ${next.call} of the layer ${next.layer}, which another reads`,
        )
      }
      const missing = call.inputs.filter((input) => !results.has(keyOf(input)))
      if (missing.length > 0) {
        if (begun.has(key))
          throw invalidModel(`Expected a model without circles, ${next.layer} is in one`)
        begun.add(key)
        waiting.push(...missing)
        continue
      }
      const inputs = call.inputs.map((input) => results.get(keyOf(input))!)
      results.set(key, this.#call(layer, inputs, call.numbers, paths.get(layer)!))
    }
    return results.get(keyOf(output))!
  }

  #call(
    layer: LayerConfig,
    inputs: readonly LayerId[],
    numbers: readonly number[],
    path: LayerPath,
  ): LayerId {
    if (++this.#calls > MAX_CALLS) throw unsupportedModel(`Expected at most ${MAX_CALLS} layers`)
    const { kind, config } = layer
    const name = path.names.join('/')
    if (isModel(kind)) {
      const [from] = inputs
      if (from === undefined || inputs.length > 1) {
        throw unsupportedModel(
          `${name}: expected a model with one input, received ${inputs.length}`,
        )
      }
      return this.runModel(readModelConfig(kind, config), from, path)
    }
    if (kind === 'InputLayer') return inputs[0] ?? INPUT
    const read = Object.hasOwn(KERAS_LAYERS, kind) ? KERAS_LAYERS[kind] : undefined
    if (read === undefined) {
      throw unsupportedModel(`Expected a layer of an image classifier, received ${kind} at ${name}`)
    }
    if (!isChannelsLast(config)) {
      throw unsupportedModel(`${name}: expected channels_last, received channels_first`)
    }
    const { weightsOf, isOldKeras } = this.#options
    return read({
      draft: this.#draft,
      name,
      kind,
      config,
      inputs,
      numbers,
      isOldKeras,
      weights(count) {
        const weights = weightsOf(path)
        if (weights.length === count) return weights
        throw invalidModel(
          `Expected ${count} weights of the layer ${name}, the file has ${weights.length}`,
        )
      },
      note: (text) => this.#notes.add(text),
    })
  }
}

/** Keras 3 numbers the layers of one class in the order of the model; inputs that it adds itself are no layers. */
function placeLayers(model: ModelConfig, { names, filed }: LayerPath): Map<LayerConfig, LayerPath> {
  const counts = new Map<string, number>()
  return new Map(
    model.layers.map((layer) => {
      const base = snakeCase(layer.kind)
      const count = counts.get(base) ?? 0
      counts.set(base, count + 1)
      const own = count === 0 ? base : `${base}_${count}`
      return [layer, { names: [...names, layer.name], filed: [...filed, own] }]
    }),
  )
}

/** `DepthwiseConv2D` → `depthwise_conv2d` (keras/src/utils/naming.py). */
function snakeCase(kind: string): string {
  return kind
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** The size that photos enter with: of the input, or where that is free, of the resizing that follows it. */
function findInputSize(model: ModelConfig): { height: number; width: number } {
  const resizing = findLayer(model, ({ kind }) => kind === 'Resizing', 0)
  const shape = findShape(model, 0)
  const [, height, width, channels] = shape ?? []
  if (channels !== 3) {
    throw unsupportedModel(
      `Expected photos [n, height, width, 3] as input, received ${JSON.stringify(shape ?? null).slice(0, 100)}`,
    )
  }
  const sides = resizing === undefined ? [height, width] : [resizing['height'], resizing['width']]
  const [down, across] = sides
  if (isNumber(down) && isNumber(across)) return { height: down, width: across }
  throw unsupportedModel(
    'Expected an input of a fixed size, received one that is free; build the model with the size that it was trained on',
  )
}

function findShape(model: ModelConfig, depth: number): readonly Json[] | undefined {
  const config = findLayer(model, ({ config }) => shapeOf(config) !== undefined, depth)
  return config === undefined ? model.inputShape : shapeOf(config)
}

function shapeOf(config: JsonObject): readonly Json[] | undefined {
  const shape = config['batch_shape'] ?? config['batch_input_shape'] ?? config['build_input_shape']
  return Array.isArray(shape) ? shape : undefined
}

/** Settings of the first layer, here or in the models at the front, that is looked for. */
function findLayer(
  model: ModelConfig,
  wanted: (layer: LayerConfig) => boolean,
  depth: number,
): JsonObject | undefined {
  for (const layer of model.layers) {
    if (wanted(layer)) return layer.config
    if (depth < MAX_DEPTH && isModel(layer.kind) && isObject(layer.config)) {
      const found = findLayer(readModelConfig(layer.kind, layer.config), wanted, depth + 1)
      if (found !== undefined) return found
    }
  }
  return undefined
}
