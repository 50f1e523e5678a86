/** One layer of a Keras model as its reader sees it. */
import type { LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import { isNumber, isObject, type Json, type JsonObject } from './keras-config.ts'

export interface KerasPlace {
  readonly draft: NetworkDraft
  /** Names of the models around it and its own, joined: names its weights, and the place in messages. */
  readonly name: string
  readonly kind: string
  readonly config: JsonObject
  readonly inputs: readonly LayerId[]
  /** Numbers that the call was given beside its inputs. */
  readonly numbers: readonly number[]
  /** Before Keras 3, whose hard sigmoid is another function. */
  readonly isOldKeras: boolean
  /** The layer's weights in the order in which Keras keeps them; as many as are expected. */
  weights(count: number): readonly FloatTensor[]
  note(text: string): void
}

export function input({ inputs, name, kind }: KerasPlace): LayerId {
  const [only] = inputs
  if (only !== undefined && inputs.length === 1) return only
  throw unsupportedModel(`${name}: expected one input of ${kind}, received ${inputs.length}`)
}

export function number({ config, name }: KerasPlace, key: string, byDefault: number): number {
  const value = config[key] ?? byDefault
  if (isNumber(value)) return value
  throw invalidModel(
    `${name}: expected a number as ${key}, received ${JSON.stringify(value).slice(0, 60)}`,
  )
}

export const flag = ({ config }: KerasPlace, key: string, byDefault: boolean): boolean => {
  const value = config[key]
  return typeof value === 'boolean' ? value : byDefault
}

/** Two numbers above 0 for height and width, or one for both. */
export function pair(place: KerasPlace, key: string, byDefault: Json): readonly [number, number] {
  const value = place.config[key] ?? byDefault
  const [height, width] = isNumber(value) ? [value, value] : Array.isArray(value) ? value : []
  if (isCount(height) && isCount(width)) return [height, width]
  throw invalidModel(
    `${place.name}: expected two positive numbers as ${key}, received ${JSON.stringify(value).slice(0, 60)}`,
  )
}

const isCount = (value: Json | undefined): value is number =>
  isNumber(value) && Number.isSafeInteger(value) && value > 0

export function padding({ config, name }: KerasPlace): 'same' | 'valid' {
  const value = config['padding'] ?? 'valid'
  if (value === 'same' || value === 'valid') return value
  throw unsupportedModel(
    `${name}: expected the padding same or valid, received ${JSON.stringify(value)}`,
  )
}

/** Whether an axis, or a list of one, is that of the channels. */
export function isChannelAxis(axis: Json | undefined, isMap: boolean): boolean {
  const value = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis
  return value === undefined || value === -1 || value === (isMap ? 3 : 1)
}

/** Keras names some things by a text, and others by an object with a class and its own settings. */
export function nameAndConfig(value: Json | undefined): { name: string; config: JsonObject } {
  if (typeof value === 'string') return { name: value, config: {} }
  if (!isObject(value))
    return { name: value === null || value === undefined ? 'linear' : '?', config: {} }
  const { class_name: kind, config } = value
  // A function by its name alone.
  if (kind === 'function' && typeof config === 'string') return { name: config, config: {} }
  return { name: typeof kind === 'string' ? kind : '?', config: isObject(config) ? config : {} }
}
