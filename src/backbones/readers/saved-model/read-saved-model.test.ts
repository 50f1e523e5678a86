import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { afterAll, describe, expect, it } from 'vitest'
import { runNetwork } from '../../../../test/parity/run-network.ts'
import { VergerError } from '../../../core/errors.ts'
import {
  AssetFileDefSchema,
  AttrValueSchema,
  type MetaGraphDef,
  NodeDefSchema,
  SavedModelSchema,
  TensorProtoSchema,
} from '../../../tensor/generated/tensorflow_pb.ts'
import { readSavedModel } from './read-saved-model.ts'

const FIXTURES = fileURLToPath(
  new URL('../../../../test/fixtures/models/tensorflow/', import.meta.url),
)
const golden: {
  labels: string[]
  photo: number[]
  probabilities: Record<string, number[]>
} = JSON.parse(readFileSync(join(FIXTURES, 'golden.json'), 'utf8'))
const NAMES = Object.keys(golden.probabilities)

const folder = mkdtempSync(join(tmpdir(), 'verger-saved-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let copies = 0
/** A copy of a fixture that a test may spoil. */
function copy(name: string): string {
  const path = join(folder, String(copies++))
  cpSync(join(FIXTURES, name), path, { recursive: true })
  return path
}

/** A copy whose graph is changed. */
function changed(name: string, change: (meta: MetaGraphDef) => void): string {
  const path = copy(name)
  const file = join(path, 'saved_model.pb')
  const model = fromBinary(SavedModelSchema, readFileSync(file))
  for (const meta of model.metaGraphs) change(meta)
  writeFileSync(file, toBinary(SavedModelSchema, model))
  return path
}

const nodeOf = (meta: MetaGraphDef, name: string) => {
  const node = meta.graphDef?.node.find((one) => one.name === name)
  if (node === undefined) throw new Error(`no node ${name}`)
  return node
}

function refusal(read: () => unknown): VergerError {
  try {
    read()
  } catch (error) {
    if (error instanceof VergerError) return error
    throw error
  }
  throw new Error('Expected a refusal, received a model')
}

describe('a SavedModel that TensorFlow wrote', () => {
  it.each(NAMES)('gives the answers of TensorFlow: %s', async (name) => {
    const model = readSavedModel(join(FIXTURES, name))
    const photo = Uint8Array.from(golden.photo)
    const { logits = new Float32Array() } = await runNetwork(model.network, model.weights, photo)
    const powers = Array.from(logits, Math.exp)
    const found = powers.map((power) => power / powers.reduce((a, b) => a + b))
    const expected = golden.probabilities[name] ?? []
    expect(found).toHaveLength(expected.length)
    for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 5)
    expect(model.network.input).toEqual({ size: 32, mean: 127.5, divisor: 127.5 })
    expect(model.knowsScaling).toBe(true)
    expect(model.labels).toEqual(name.startsWith('tf1') ? golden.labels : undefined)
  })

  it('says what Verger does in place of its front', () => {
    const { notes } = readSavedModel(join(FIXTURES, 'tf1-frozen-map'))
    expect(notes[0]).toContain('DecodeBase64, DecodeJpeg, ResizeBilinear')
    expect(notes[0]).toContain('Pillow')
  })

  it('has layers without a trace of batch norm and dropout', () => {
    const { network } = readSavedModel(join(FIXTURES, 'tf1-variables'))
    expect(network.layers.map(({ op }) => op).join(' ')).toBe(
      'conv relu6 conv relu conv leaky-relu global-average-pool dense',
    )
    expect(network.outputs).toEqual({
      features: { layer: 6, width: 12 },
      logits: { layer: 7, width: 5 },
    })
  })

  it('sees blue first where its graph reverses the colours', async () => {
    const path = changed('tf1-frozen', (meta) => {
      const conv = nodeOf(meta, 'Conv2D')
      const tensor = create(TensorProtoSchema, {
        dtype: 3,
        tensorShape: { dim: [{ size: 1n }] },
        intVal: [3],
      })
      const value = create(AttrValueSchema, { value: { case: 'tensor', value: tensor } })
      meta.graphDef?.node.push(
        create(NodeDefSchema, { name: 'colours', op: 'Const', attr: { value } }),
        create(NodeDefSchema, {
          name: 'reversed',
          op: 'ReverseV2',
          input: [conv.input[0] ?? '', 'colours'],
        }),
      )
      conv.input[0] = 'reversed'
    })
    const photo = Uint8Array.from(golden.photo)
    const reversed = photo.map((_level, at) => photo[at + 2 - 2 * (at % 3)] ?? 0)
    const logits = async (from: string, levels: Uint8Array) => {
      const { network, weights } = readSavedModel(from)
      return [...((await runNetwork(network, weights, levels))['logits'] ?? [])]
    }
    const expected = await logits(join(FIXTURES, 'tf1-frozen'), photo)
    const found = await logits(path, reversed)
    for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 5)
    expect(await logits(path, photo)).not.toEqual(expected)
  })

  it('is found by its folder or its file', () => {
    const path = join(FIXTURES, 'tf1-frozen')
    expect(readSavedModel(join(path, 'saved_model.pb'))).toEqual(readSavedModel(path))
  })
})

describe('labels in an asset', () => {
  const withAsset = (filename: string, lines: readonly string[]) => {
    const path = changed('tf2-functions', (meta) => {
      meta.assetFileDef.push(create(AssetFileDefSchema, { filename }))
    })
    mkdirSync(join(path, 'assets'))
    writeFileSync(join(path, 'assets', filename), `${lines.join('\n')}\n`)
    return readSavedModel(path).labels
  }

  it('are read where there is one for each score', () => {
    expect(withAsset('labels.txt', golden.labels)).toEqual(golden.labels)
  })

  it('are left where there are more, some are equal, or the asset lies outside its folder', () => {
    expect(withAsset('vocabulary.txt', [...golden.labels, 'more'])).toBeUndefined()
    expect(withAsset('labels.txt', ['a', 'a', 'b', 'c', 'd'])).toBeUndefined()
    expect(withAsset('../labels.txt', golden.labels)).toBeUndefined()
  })
})

describe('a SavedModel that cannot be a classifier here', () => {
  it.each([
    [
      'has no tag serve',
      'tags',
      (meta: MetaGraphDef) => {
        if (meta.metaInfoDef !== undefined) meta.metaInfoDef.tags = ['train']
      },
      'with the tag serve in saved_model.pb, found [train]',
    ],
    [
      'has no signature to follow',
      'signature',
      (meta: MetaGraphDef) => {
        const [signature] = Object.values(meta.signatureDef)
        if (signature !== undefined) meta.signatureDef = { first: signature, second: signature }
      },
      'the signature serving_default in saved_model.pb, found first, second',
    ],
    [
      'has an operator that is not known',
      'operator',
      (meta: MetaGraphDef) => {
        nodeOf(meta, 'Relu').op = 'LRN'
      },
      "received LRN 'Relu'",
    ],
    [
      'normalises with the photos of the batch',
      'training',
      (meta: MetaGraphDef) => {
        const norm = meta.graphDef?.node.find(({ op }) => op === 'FusedBatchNormV3')
        if (norm !== undefined) delete norm.attr['is_training']
      },
      'one that is in training',
    ],
    [
      'gives no scores',
      'outputs',
      (meta: MetaGraphDef) => {
        for (const { outputs } of Object.values(meta.signatureDef)) delete outputs['prediction']
      },
      'an output of scores, found labels',
    ],
  ])('is refused: it %s', (_words, _key, change, message) => {
    const { code, message: found } = refusal(() => readSavedModel(changed('tf1-frozen', change)))
    expect(code).toBe('model_unsupported')
    expect(found).toContain(message)
  })
})

describe('a damaged SavedModel', () => {
  it.each([
    [
      'a cycle',
      (meta: MetaGraphDef) => {
        nodeOf(meta, 'Relu').input = ['LeakyRelu']
      },
      'without cycles',
    ],
    [
      'a missing node',
      (meta: MetaGraphDef) => {
        nodeOf(meta, 'Relu').input = ['nowhere:1']
      },
      'Expected the node nowhere, which Relu reads',
    ],
    [
      'two nodes of one name',
      (meta: MetaGraphDef) => {
        meta.graphDef?.node.push(create(NodeDefSchema, { name: 'Relu', op: 'Relu' }))
      },
      'one node Relu, found two',
    ],
    [
      'a kernel of another shape',
      (meta: MetaGraphDef) => {
        nodeOf(meta, 'Conv2D').input[1] = 'kernel'
      },
      'Conv2D',
    ],
    [
      'weights that are too few for their shape',
      (meta: MetaGraphDef) => {
        const { value } = nodeOf(meta, 'stem').attr['value'] ?? create(AttrValueSchema)
        if (value.case === 'tensor') {
          value.value.tensorContent = value.value.tensorContent.subarray(4)
        }
      },
      'expected 216 values for its shape, received 215',
    ],
    [
      'weights that are no numbers',
      (meta: MetaGraphDef) => {
        const { value } = nodeOf(meta, 'stem').attr['value'] ?? create(AttrValueSchema)
        if (value.case === 'tensor') value.value.dtype = 20
      },
      'received elements of type resource',
    ],
  ])('is refused: %s', (_words, change, message) => {
    const { code, message: found } = refusal(() => readSavedModel(changed('tf1-frozen', change)))
    expect(code).toMatch(/^model_/)
    expect(found).toContain(message)
  })

  it('is refused: a function that calls itself', () => {
    const path = changed('tf2-functions', ({ graphDef }) => {
      for (const { signature, nodeDef } of graphDef?.library?.function ?? []) {
        const call = nodeDef.find(({ op }) => op.endsWith('PartitionedCall'))
        const called = call?.attr['f']?.value
        if (called?.case === 'func') called.value.name = signature?.name ?? ''
      }
    })
    expect(refusal(() => readSavedModel(path)).message).toMatch(/calls itself/)
  })

  it('is refused: bytes that are none', () => {
    const path = copy('tf1-frozen')
    writeFileSync(join(path, 'saved_model.pb'), 'not a graph')
    expect(refusal(() => readSavedModel(path)).code).toBe('model_invalid')
    rmSync(join(path, 'saved_model.pb'))
    expect(refusal(() => readSavedModel(path)).message).toContain('saved_model.pb, found none')
  })

  it('is refused: no checkpoint beside a graph with variables', () => {
    const path = copy('tf1-variables')
    rmSync(join(path, 'variables'), { recursive: true })
    const { code, message } = refusal(() => readSavedModel(path))
    expect(code).toBe('model_invalid')
    expect(message).toContain('variables/variables.index')
  })

  it('is refused: a data file that is missing, short or changed', () => {
    const path = copy('tf1-variables')
    const data = join(path, 'variables', 'variables.data-00000-of-00001')
    const bytes = readFileSync(data)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    writeFileSync(data, bytes)
    expect(refusal(() => readSavedModel(path)).message).toContain('another CRC')
    truncateSync(data, 1000)
    expect(refusal(() => readSavedModel(path)).message).toContain('which has 1000')
    rmSync(data)
    expect(refusal(() => readSavedModel(path)).message).toContain('data-00000-of-00001')
  })

  it('is refused: an index that was changed or cut', () => {
    const path = copy('tf1-variables')
    const index = join(path, 'variables', 'variables.index')
    const bytes = readFileSync(index)
    bytes[20] = (bytes[20] ?? 0) ^ 1
    writeFileSync(index, bytes)
    expect(refusal(() => readSavedModel(path)).message).toContain('another CRC')
    truncateSync(index, 40)
    expect(refusal(() => readSavedModel(path)).code).toBe('model_invalid')
  })
})

describe('random damage', () => {
  /** xorshift32: the same positions at each run. */
  function* positions(seed: number): Generator<number, never> {
    for (let state = seed; ; ) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      yield state >>> 0
    }
  }

  it.each(NAMES)('gives a model or a VergerError, quickly: %s', (name) => {
    const path = copy(name)
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .map((file) => join(path, file))
      .filter((file) => /\.(pb|index)$|data-/.test(file) && statSync(file).isFile())
    const random = positions(name.length * 7919)
    const next = (end: number) => random.next().value % end
    let refused = 0
    for (let round = 0; round < 80; round++) {
      const file = files[next(files.length)] ?? ''
      const original = readFileSync(file)
      const damaged = Buffer.from(original)
      const flips = 1 + next(4)
      for (let flip = 0; flip < flips; flip++) {
        const at = next(damaged.length)
        damaged[at] = (damaged[at] ?? 0) ^ (1 << next(8))
      }
      writeFileSync(file, next(8) === 0 ? damaged.subarray(0, next(damaged.length)) : damaged)
      const started = performance.now()
      try {
        readSavedModel(path)
      } catch (error) {
        refused++
        expect(error).toBeInstanceOf(VergerError)
        expect((error as VergerError).code).toMatch(/^model_(invalid|unsupported)$/)
      }
      expect(performance.now() - started).toBeLessThan(2000)
      writeFileSync(file, original)
    }
    expect(refused).toBeGreaterThan(5)
  })
})
