/** Features from inside a network. */
import { VergerError } from '../core/errors.ts'
import {
  ACTIVATIONS,
  type Layer,
  type LayerId,
  type Network,
  NetworkBuilder,
} from '../tensor/network.ts'
import { inferShapes } from '../tensor/network-shapes.ts'

/**
 * The network whose `features` are what the named layer or stage gives, after its activation where one follows at once:
 * the mean over positions of a map, a vector as it is. Other outputs stay.
 * Throws `usage_invalid` naming the layers that exist.
 */
export function withFeatures(network: Network, layer: string): Network {
  const places = namedResults(network)
  const id = places.get(layer)
  const shape = id === undefined ? undefined : inferShapes(network)[id]
  if (id === undefined || shape === undefined) {
    const names = [...places.keys()]
    throw new VergerError(
      'usage_invalid',
      `Expected a layer of ${network.name} for the features, received '${layer}'`,
      { hint: `It has ${inBraces(names)}.`, details: { received: layer, layers: names } },
    )
  }
  const builder = new NetworkBuilder()
  builder.layers.push(...network.layers)
  const { channels, height } = shape
  const features = height === undefined ? id : builder.add({ op: 'global-average-pool', input: id })
  return {
    ...network,
    layers: builder.layers,
    outputs: { ...network.outputs, features: { layer: features, width: channels } },
  }
}

/** The network with these outputs alone, without the layers that only others need. */
export function onlyOutputs(network: Network, names: readonly string[]): Network {
  const outputs = Object.entries(network.outputs).filter(([name]) => names.includes(name))
  const needed = new Set<LayerId>(outputs.map(([, { layer }]) => layer))
  for (const [id, layer] of [...network.layers.entries()].reverse()) {
    if (needed.has(id)) for (const input of layerInputs(layer)) needed.add(input)
  }
  const kept = [...network.layers.entries()].filter(([id]) => needed.has(id))
  const moved = new Map(kept.map(([id], position) => [id, position]))
  const move = (id: LayerId): LayerId => moved.get(id) ?? id
  const { stages = {}, ...rest } = network
  const keptStages = Object.entries(stages).filter(([, id]) => needed.has(id))
  return {
    ...rest,
    layers: kept.map(([, layer]) => withInputs(layer, move)),
    outputs: Object.fromEntries(
      outputs.map(([name, { layer, width }]) => [name, { layer: move(layer), width }]),
    ),
    stages: Object.fromEntries(keptStages.map(([name, id]) => [name, move(id)])),
  }
}

/** Results that `withFeatures` knows by name, in the order in which they are computed. */
function namedResults({ layers, stages = {} }: Network): Map<string, LayerId> {
  const activated = new Map<LayerId, LayerId>()
  for (const [id, { op, ...layer }] of layers.entries()) {
    if (!(ACTIVATIONS as readonly string[]).includes(op) || !('input' in layer)) continue
    if (layer.input === id - 1) activated.set(layer.input, id)
  }
  const named: [string, LayerId][] = Object.entries(stages)
  for (const [id, layer] of layers.entries()) {
    if ('name' in layer) named.push([layer.name, activated.get(id) ?? id])
  }
  return new Map(named.sort(([, one], [, other]) => one - other))
}

/** `block1/expand` and `block1/project` as `block1/{expand,project}`. */
function inBraces(names: readonly string[]): string {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const [group = name, ...rest] = name.split('/')
    const inside = groups.get(group) ?? []
    groups.set(group, rest.length === 0 ? inside : [...inside, rest.join('/')])
  }
  return [...groups]
    .map(([group, inside]) => {
      const members = inside.length === 0 ? [] : [`${group}/{${inside.join(',')}}`]
      return [...(names.includes(group) ? [group] : []), ...members].join(', ')
    })
    .join(', ')
}

/** What a layer reads. */
export const layerInputs = (layer: Layer): readonly LayerId[] =>
  'inputs' in layer ? layer.inputs : [layer.input]

function withInputs(layer: Layer, move: (id: LayerId) => LayerId): Layer {
  if (!('inputs' in layer)) return { ...layer, input: move(layer.input) }
  const inputs = layer.inputs.map(move)
  return layer.op === 'concat'
    ? { ...layer, inputs }
    : { ...layer, inputs: inputs as [LayerId, LayerId] }
}
