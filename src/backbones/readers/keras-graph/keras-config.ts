/**
 * The description of a Keras model as JSON: Keras 2 and 3 and TensorFlow.js share the language
 * (https://keras.io/guides/serialization_and_saving/). Nothing in it is trusted to have the form that it should have.
 */
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** One call of a layer: the results that it reads, and what else it is given. */
export interface LayerCall {
  /** Layer, and which of its calls. */
  readonly inputs: readonly { readonly layer: string; readonly call: number }[]
  /** Numbers that stand beside the results, e.g. the 127.5 of a division. */
  readonly numbers: readonly number[]
}

export interface LayerConfig {
  readonly kind: string
  readonly name: string
  readonly config: JsonObject
  readonly calls: readonly LayerCall[]
}

export interface ModelConfig {
  readonly name: string
  readonly layers: readonly LayerConfig[]
  /** The shape that it was built for, where its own settings say it. */
  readonly inputShape?: readonly Json[]
  /** The result that is the model's; undefined in a `Sequential`, whose last layer it is. */
  readonly output?: { readonly layer: string; readonly call: number }
}

const MODELS = ['Sequential', 'Functional', 'Model']

export const isModel = (kind: string): boolean => MODELS.includes(kind)

/** Parses a description. Throws `model_invalid` where it is no JSON object. */
export function parseKerasJson(text: string): JsonObject {
  try {
    const json = JSON.parse(text) as Json
    if (isObject(json)) return json
  } catch (cause) {
    throw invalidModel(`Expected the description of a Keras model as JSON: ${String(cause)}`, cause)
  }
  throw invalidModel('Expected the description of a Keras model, received another kind of JSON')
}

/** Reads a `Sequential` or `Functional` model. Throws `model_unsupported` where it is a class of one's own. */
export function readModelConfig(kind: Json | undefined, config: Json | undefined): ModelConfig {
  if (typeof kind !== 'string' || !isModel(kind)) {
    throw unsupportedModel(
      `Expected a Sequential or Functional model of Keras, received ${JSON.stringify(kind ?? null)?.slice(0, 100)}`,
    )
  }
  // The first Keras wrote the layers of a Sequential without a name for them.
  const body = Array.isArray(config) ? { layers: config as readonly Json[] } : config
  if (!isObject(body)) throw invalidModel('Expected the layers of a Keras model, received none')
  const layers = asList(body['layers'], 'layers').map(readLayer)
  const name = typeof body['name'] === 'string' ? body['name'] : 'model'
  const built = body['build_input_shape']
  const model = { name, layers, ...(Array.isArray(built) ? { inputShape: built } : {}) }
  if (kind === 'Sequential') return model
  oneOf(body['input_layers'], `input of ${name}`)
  return { ...model, output: oneOf(body['output_layers'], `output of ${name}`) }
}

function readLayer(layer: Json): LayerConfig {
  if (!isObject(layer)) throw invalidModel('Expected the description of a layer, received none')
  const { class_name: kind, config, inbound_nodes: nodes = [] } = layer
  if (typeof kind !== 'string' || !isObject(config)) {
    throw invalidModel('Expected a layer with class_name and config, received one without')
  }
  const name = layer['name'] ?? config['name']
  if (typeof name !== 'string') throw invalidModel(`Expected a layer ${kind} with a name`)
  return { kind, name, config, calls: asList(nodes, `${name}: inbound_nodes`).map(readCall) }
}

/** Keras 3 marks results inside the arguments; before, a call was a list of `[layer, call, output, arguments]`. */
function readCall(node: Json): LayerCall {
  const inputs: { layer: string; call: number }[] = []
  const numbers: number[] = []
  if (isObject(node)) {
    collect(node['args'] ?? [], inputs, numbers, 0)
    return { inputs, numbers }
  }
  const entries = asList(node, 'inbound_nodes')
  // A call with one input may stand there without the list around it.
  for (const entry of typeof entries[0] === 'string' ? [entries] : entries) {
    const [layer, call, , options] = asList(entry, 'inbound_nodes')
    inputs.push(reference(layer, call))
    if (isObject(options)) numbers.push(...Object.values(options).filter(isNumber))
  }
  return { inputs, numbers }
}

const MAX_DEPTH = 8

function collect(
  value: Json,
  inputs: { layer: string; call: number }[],
  numbers: number[],
  depth: number,
): void {
  if (depth > MAX_DEPTH)
    throw invalidModel('Expected the arguments of a layer, received too deep a list')
  if (isNumber(value)) numbers.push(value)
  else if (Array.isArray(value)) for (const each of value) collect(each, inputs, numbers, depth + 1)
  else if (isObject(value) && value['class_name'] === '__keras_tensor__') {
    const { config } = value
    const [layer, call] = asList(isObject(config) ? config['keras_history'] : null, 'keras_history')
    inputs.push(reference(layer, call))
  }
}

function reference(layer: Json | undefined, call: Json | undefined) {
  if (typeof layer !== 'string' || !isNumber(call)) {
    throw invalidModel('Expected the name of a layer and the number of its call')
  }
  return { layer, call }
}

/** The only entry of `input_layers` or `output_layers`, with or without a list around it. */
function oneOf(value: Json | undefined, what: string) {
  const entries = asList(value, what)
  const [first] = entries
  if (typeof first === 'string') return reference(first, entries[1])
  if (entries.length !== 1 || !Array.isArray(first)) {
    throw unsupportedModel(`Expected one ${what}, received ${entries.length}`)
  }
  return reference(first[0], first[1])
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isNumber = (value: Json | undefined): value is number => typeof value === 'number'

export function asList(value: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(value)) return value
  throw invalidModel(
    `Expected a list of ${what}, received ${JSON.stringify(value ?? null)?.slice(0, 60)}`,
  )
}
