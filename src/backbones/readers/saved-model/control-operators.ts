/** Operators that pass values on: identities, functions, branches, loops, lists, variables, randomness. */
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type Constant, decodeTensor, wholeNumbers } from './constant.ts'
import { beginsLoop, type Call } from './evaluate.ts'
import { attribute } from './graph.ts'
import { joinValues } from './join-values.ts'
import type { Reading } from './reading.ts'
import type { Photo, Value } from './value.ts'

type Control = (call: Call, reading: Reading) => Value | readonly Value[]

/** The operator of this kind that a node has, if it has one. */
export const controlOperator = (op: string): Control | undefined =>
  Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined

const passOn: Control = ({ inputs, place }) => {
  if (inputs.length > 0) return inputs
  throw invalidModel(`${place}: expected an input, received none`)
}

const first = ({ inputs, place }: Call): Value => {
  const [value] = inputs
  if (value !== undefined) return value
  throw invalidModel(`${place}: expected an input, received none`)
}

const callFunction: Control = ({ node, inputs, run, place }) => {
  const called = attribute(node, 'f', 'func')
  if (called === undefined) throw invalidModel(`${place}: expected a function, received none`)
  return run(called.name, inputs)
}

/** Whether a condition holds; nothing where that depends on the photos. */
function decide(condition: Value | undefined, place: string): number | undefined {
  if (condition?.kind !== 'constant' || condition.data.length !== 1) {
    throw unsupportedModel(`${place}: expected a condition, received something else`)
  }
  const [value = Number.NaN] = condition.data
  return Number.isNaN(value) ? undefined : value
}

const branch: Control = ({ node, inputs, run, place, ...call }) => {
  const [condition, ...rest] = inputs
  const decided = decide(condition, place)
  const names = ['then_branch', 'else_branch'].map(
    (name) => attribute(node, name, 'func')?.name ?? '',
  )
  return runBranches(decided === undefined ? names : [names[decided === 0 ? 1 : 0]!], rest, {
    ...call,
    node,
    inputs,
    run,
    place,
  })
}

const choose: Control = (call) => {
  const [index, ...rest] = call.inputs
  const decided = decide(index, call.place)
  const names = (attribute(call.node, 'branches', 'list')?.func ?? []).map(({ name }) => name)
  const chosen = decided === undefined ? names : [names[decided] ?? names.at(-1) ?? '']
  return runBranches(chosen, rest, call)
}

function runBranches(names: readonly string[], inputs: readonly Value[], call: Call): Value[] {
  const results = names.map((name) => call.run(name, inputs))
  return (results[0] ?? []).map((_value, at) =>
    joinValues(
      results.flatMap((values) => values[at] ?? []),
      call,
    ),
  )
}

/** A loop is followed once: whatever one turn does to an element, all turns do. */
const loop: Control = ({ node, place, inputs, run, unchanged }, reading) => {
  const body = attribute(node, 'body', 'func')
  if (body === undefined) throw invalidModel(`${place}: expected a body, received none`)
  return run(
    body.name,
    inputs.map((value, at) => (unchanged(body.name, at) ? value : carried(value, reading))),
  )
}

/** A value that a loop changes from turn to turn: numbers are not known any more. */
function carried(value: Value, { budget }: Reading): Value {
  if (value.kind !== 'constant') return value
  budget.take(value.data.length, 'a loop')
  return { ...value, data: value.data.map(() => Number.NaN) }
}

const listOf = (value: Value | undefined): Value | undefined =>
  value?.kind === 'list' ? value.element : undefined

const emptyList: Value = { kind: 'list', element: undefined }

/** A batch as a list of its photos. */
function unstack(value: Value | undefined, place: string): Value {
  if (value?.kind === 'photo' && value.axes[0] === 'n') {
    return { kind: 'list', element: inLoop({ ...value, axes: value.axes.slice(1) }) }
  }
  if (value?.kind === 'constant' && value.dims.length > 0) {
    const { dims, data } = value
    return {
      kind: 'list',
      element: {
        ...value,
        dims: dims.slice(1),
        data: data.map(() => Number.NaN).slice(0, data.length / Math.max(dims[0]!, 1)),
      },
    }
  }
  throw unsupportedModel(`${place}: expected a loop over photos, received one over something else`)
}

const inLoop = (photo: Photo): Photo => {
  const step = 'a loop over the batch'
  return photo.steps.includes(step) ? photo : { ...photo, steps: [...photo.steps, step] }
}

/** A list of photos as a batch. */
function stack(list: Value | undefined, place: string): Value {
  const element = listOf(list)
  if (element?.kind === 'photo' && !element.axes.includes('n')) {
    return { ...element, axes: ['n', ...element.axes] }
  }
  throw unsupportedModel(`${place}: expected a list of photos, received something else`)
}

function elementOf(list: Value | undefined, place: string): Value {
  const element = listOf(list)
  if (element !== undefined) return element
  throw unsupportedModel(`${place}: expected a list that something was written to`)
}

const unknownWhole = (): Constant => wholeNumbers([Number.NaN], [])

/** The share of random numbers for which a comparison or sum gives 1: what a dropout multiplies by on average. */
const share = (value: number): Constant => ({
  kind: 'constant',
  type: DATA_TYPES.float,
  dims: [],
  data: Float32Array.of(Math.min(Math.max(value, 0), 1)),
})

const OPERATORS: Readonly<Record<string, Control>> = {
  Case: choose,
  CheckNumerics: first,
  Const: ({ node, place }, { budget }) =>
    decodeTensor(attribute(node, 'value', 'tensor'), place, budget),
  EnsureShape: first,
  Enter: first,
  Exit: first,
  Identity: first,
  IdentityN: passOn,
  If: branch,
  Merge: (call, reading) => {
    if (beginsLoop(call.node, call.nodes)) return [carried(first(call), reading)]
    return [joinValues(call.inputs, call), unknownWhole()]
  },
  MutexLock: unknownWhole,
  NextIteration: first,
  PartitionedCall: callFunction,
  Placeholder: ({ node, place }) => {
    // The switch between training and inference that Keras made before version 2.
    if (attribute(node, 'dtype', 'type') === DATA_TYPES.bool)
      return { ...wholeNumbers([0], []), type: DATA_TYPES.bool }
    throw unsupportedModel(`${place}: expected no input beside the photo, received another`)
  },
  PlaceholderWithDefault: first,
  PreventGradient: first,
  RandomUniform: () => ({ kind: 'random', low: 0, high: 1 }),
  ReadVariableOp: (call, { loadVariable }) => {
    const variable = first(call)
    if (variable.kind === 'variable') return loadVariable(variable.name)
    throw invalidModel(`${call.place}: expected a variable, received something else`)
  },
  RefEnter: first,
  RefExit: first,
  RefNextIteration: first,
  Snapshot: first,
  StatefulPartitionedCall: callFunction,
  StatelessCase: choose,
  StatelessIf: branch,
  StatelessRandomUniform: () => ({ kind: 'random', low: 0, high: 1 }),
  StatelessRandomUniformV2: () => ({ kind: 'random', low: 0, high: 1 }),
  StatelessWhile: loop,
  StopGradient: first,
  Switch: ({ inputs, place }) => {
    const [value, condition] = inputs
    if (value === undefined) throw invalidModel(`${place}: expected an input, received none`)
    const decided = decide(condition, place)
    const dead: Value = { kind: 'dead' }
    if (decided === undefined) return [value, value]
    return decided === 0 ? [value, dead] : [dead, value]
  },
  LoopCond: unknownWhole,
  MapDefun: ({ node, inputs, run, place }) => {
    const called = attribute(node, 'f', 'func')
    if (called === undefined) throw invalidModel(`${place}: expected a function, received none`)
    const count = (attribute(node, 'Targuments', 'list')?.type ?? []).length
    const elements = inputs.map((value, at) =>
      at < count ? elementOf(unstack(value, place), place) : value,
    )
    return run(called.name, elements).map((value) =>
      value.kind === 'refused' ? value : stack({ kind: 'list', element: value }, place),
    )
  },
  TensorArrayGatherV3: ({ inputs, place }) => stack(inputs[2], place),
  TensorArrayReadV3: ({ inputs, place }) => elementOf(inputs[2], place),
  TensorArrayScatterV3: ({ inputs, place }) => unstack(inputs[2], place),
  TensorArraySizeV3: unknownWhole,
  TensorArrayV3: () => [emptyList, emptyList],
  TensorArrayWriteV3: ({ inputs, place }) => {
    if (inputs[2] === undefined) throw invalidModel(`${place}: expected a value, received none`)
    return { kind: 'list', element: inputs[2] }
  },
  TensorListFromTensor: ({ inputs, place }) => unstack(inputs[0], place),
  TensorListGetItem: ({ inputs, place }) => elementOf(inputs[0], place),
  TensorListLength: unknownWhole,
  TensorListReserve: () => emptyList,
  TensorListPushBack: ({ inputs, place }) => {
    if (inputs[1] === undefined) throw invalidModel(`${place}: expected a value, received none`)
    return { kind: 'list', element: inputs[1] }
  },
  EmptyTensorList: () => emptyList,
  TensorListSetItem: ({ inputs, place }) => {
    if (inputs[2] === undefined) throw invalidModel(`${place}: expected a value, received none`)
    return { kind: 'list', element: inputs[2] }
  },
  TensorListStack: ({ inputs, place }) => stack(inputs[0], place),
  VarHandleOp: ({ node }) => ({ kind: 'variable', name: node.name }),
  Variable: ({ node }, { loadVariable }) => loadVariable(node.name),
  VariableV2: ({ node }, { loadVariable }) => loadVariable(node.name),
  While: loop,
}

/**
 * Follows randomness, which inference knows from dropout alone: a mask of zeros and ones counts as its mean, so that
 * what is scaled up by it beforehand comes out as it was.
 */
export function followRandom({ node, inputs }: Call, reading: Reading): Value | undefined {
  const at = inputs.findIndex(({ kind }) => kind === 'random')
  const random = inputs[at]
  if (random?.kind !== 'random') return undefined
  const other = inputs[1 - at]
  const by = other?.kind === 'constant' && other.data.length === 1 ? other.data[0]! : Number.NaN
  const { low, high } = random
  const width = high - low
  switch (node.op) {
    case 'Add':
    case 'AddV2':
      return Number.isNaN(by) ? undefined : { ...random, low: low + by, high: high + by }
    case 'Sub':
      return at === 0 && !Number.isNaN(by)
        ? { ...random, low: low - by, high: high - by }
        : undefined
    case 'Mul':
      return Number.isNaN(by) ? undefined : { ...random, low: low * by, high: high * by }
    case 'Shape':
      return undefined
    case 'Floor':
      reading.notes.add('A dropout that was left in the graph was taken out.')
      return share((high - 1) / width)
    case 'GreaterEqual':
    case 'Greater':
      if (at !== 0 || Number.isNaN(by)) return undefined
      reading.notes.add('A dropout that was left in the graph was taken out.')
      return share((high - by) / width)
    default:
      return undefined
  }
}
