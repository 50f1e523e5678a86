import { describe, expect, it } from 'vitest'
import { syntheticBundle } from '../../test/support/synthetic-bundle.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { encodeSafetensors } from '../tensor/safetensors.ts'
import type { BundleManifest } from './bundle-manifest.ts'
import { decide, HEAD_FILE, loadClassifier, readHead } from './classifier.ts'
import { encodeBundle } from './encode-bundle.ts'
import { checkProbe, GOLDEN_FILE } from './golden.ts'
import { BUNDLE_MANIFEST, type BundleFiles, bundleId, verifyBundle } from './verify-bundle.ts'

const files = encodeBundle(syntheticBundle())

function errorOf(act: () => unknown): VergerError {
  try {
    act()
  } catch (error) {
    if (error instanceof VergerError) return error
    throw error
  }
  throw new Error('Expected an error, received none')
}

const withFile = (name: string, bytes: Uint8Array | undefined): BundleFiles => {
  const changed = new Map(files)
  if (bytes === undefined) changed.delete(name)
  else changed.set(name, bytes)
  return changed
}

/** A bundle whose files are as its manifest says, but with another content in one of them. */
function rewritten(name: string, bytes: Uint8Array): BundleFiles {
  return withManifest(
    (manifest) => {
      manifest.files[name] = { sha256: sha256(bytes), sizeBytes: bytes.length }
    },
    withFile(name, bytes),
  )
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a manifest may hold
function withManifest(change: (manifest: any) => void, from: BundleFiles = files): BundleFiles {
  const manifest = JSON.parse(Buffer.from(from.get(BUNDLE_MANIFEST) ?? []).toString())
  change(manifest)
  return new Map(from).set(BUNDLE_MANIFEST, Buffer.from(JSON.stringify(manifest)))
}

function flipBit(bytes: Uint8Array, at: number, bit = 1): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[at] = (flipped[at] ?? 0) ^ bit
  return flipped
}

describe('a bundle', () => {
  it('loads, and answers as its golden answers say', () => {
    const classifier = loadClassifier(files)
    expect(classifier.id).toBe(bundleId(files))
    const { features } = syntheticBundle().golden
    const { probabilities, logits, place } = classifier.classify(features.subarray(0, 32))
    expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
    expect(logits).toHaveLength(classifier.labels.length)
    expect(place?.distance).toBeTypeOf('number')
  })

  it('is the same bytes for the same content, whatever was encoded between', () => {
    encodeBundle(syntheticBundle(2))
    expect(encodeBundle(syntheticBundle())).toEqual(files)
  })

  it('loads without a fitted distance', () => {
    const { place, decision } = loadClassifier(
      encodeBundle({ ...syntheticBundle(), rejection: undefined }),
    ).classify(new Float32Array(32).fill(1))
    expect(place).toBeUndefined()
    expect(decision).not.toBe('unknown')
  })

  it('has an id that reports do not change', () => {
    for (const name of ['report.html', 'report.json', 'created.json']) {
      const more = withFile(name, Buffer.from('anything'))
      expect(bundleId(more)).toBe(bundleId(files))
      expect(loadClassifier(more).id).toBe(bundleId(files))
    }
  })

  it('has an id that all else changes', () => {
    type Change = (manifest: Omit<BundleManifest, 'files'>) => Omit<BundleManifest, 'files'>
    const trainingOf = ({ training }: Parameters<Change>[0]) => {
      if (training !== undefined) return training
      throw new Error('not trained')
    }
    const changes: Change[] = [
      (m) => ({ ...m, labels: ['apple', 'pear', 'größe', 'plum'] }),
      (m) => ({ ...m, head: { ...m.head, unsureBelow: 0.400001 } }),
      (m) => ({ ...m, head: { ...m.head, unknownAbove: 3.000001 } }),
      (m) => ({ ...m, head: { ...m.head, temperature: 0.500001 } }),
      (m) => ({ ...m, head: { ...m.head, scaling: 'root' } }),
      (m) => ({ ...m, training: { ...trainingOf(m), seed: 2 } }),
      (m) => ({ ...m, training: { ...trainingOf(m), dataset: '1'.repeat(64) } }),
      (m) => ({ ...m, backbone: { ...m.backbone, sha256: 'c'.repeat(64) } }),
      (m) => ({ ...m, backbone: { ...m.backbone, views: [{ size: 224, mirrored: true }] } }),
    ]
    const content = syntheticBundle()
    const ids = changes.map((change) =>
      bundleId(encodeBundle({ ...content, manifest: change(content.manifest) })),
    )
    const weights = content.head.weights.slice()
    weights[0] = (weights[0] ?? 0) + 1e-6
    ids.push(bundleId(encodeBundle({ ...content, head: { ...content.head, weights } })))
    expect(new Set([bundleId(files), ...ids]).size).toBe(changes.length + 2)
  })
})

describe('a damaged bundle', () => {
  it.each([HEAD_FILE, GOLDEN_FILE])('is found by each byte that changes in %s', (name) => {
    const bytes = files.get(name) ?? new Uint8Array()
    for (let at = 0; at < bytes.length; at += 7) {
      const error = errorOf(() => verifyBundle(withFile(name, flipBit(bytes, at))))
      expect([error.code, error.message.includes(name)]).toEqual(['bundle_damaged', true])
    }
  })

  it.each([HEAD_FILE, GOLDEN_FILE])('lacks %s, is cut short or grown', (name) => {
    const bytes = files.get(name) ?? new Uint8Array()
    for (const other of [undefined, bytes.slice(1), Buffer.concat([bytes, Buffer.of(0)])]) {
      const error = errorOf(() => loadClassifier(withFile(name, other)))
      expect(error.code).toBe('bundle_damaged')
      expect(error.message).toContain(name)
    }
  })

  it('is another bundle, or refused, for each bit that changes in its manifest', () => {
    const bytes = files.get(BUNDLE_MANIFEST) ?? new Uint8Array()
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 32]) {
        const changed = withFile(BUNDLE_MANIFEST, flipBit(bytes, at, bit))
        expect(bundleId(changed)).not.toBe(bundleId(files))
        try {
          loadClassifier(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(VergerError)
          expect((error as VergerError).code).toMatch(/^bundle_/)
        }
      }
    }
  })

  it.each(['', 'null', '7', '"text"', '[]', '{}', '{"format":1}', '{"format":', '\ufeff'])(
    'has a manifest that is none: %j',
    (text) => {
      const broken = withFile(BUNDLE_MANIFEST, Buffer.from(text))
      expect(errorOf(() => loadClassifier(broken)).code).toBe('bundle_damaged')
    },
  )

  it('lacks its manifest', () => {
    expect(errorOf(() => verifyBundle(new Map())).code).toBe('bundle_damaged')
  })

  it.each([
    [2, 'bundle_too_new'],
    [1.5, 'bundle_too_new'],
    [0, 'bundle_damaged'],
    [-1, 'bundle_damaged'],
    ['1', 'bundle_damaged'],
    [null, 'bundle_damaged'],
  ])('has the format %j', (format, code) => {
    const changed = withManifest((manifest) => {
      manifest.format = format
    })
    expect(errorOf(() => loadClassifier(changed)).code).toBe(code)
  })

  const entry = { sha256: 'a'.repeat(64), sizeBytes: 1 }
  // biome-ignore lint/suspicious/noExplicitAny: whatever a manifest may hold
  it.each<[string, (manifest: any) => unknown]>([
    ['backbone.views', (m) => (m.backbone.views = [])],
    ['backbone.views', (m) => (m.backbone.views = [{ size: 1e9, mirrored: false }])],
    ['backbone.views', (m) => (m.backbone.views = [{ size: 4000, mirrored: false }])],
    ['backbone.views', (m) => (m.backbone.views = [null])],
    ['backbone.features', (m) => (m.backbone.features = 0)],
    ['backbone.features', (m) => (m.backbone = 'efficientnet')],
    ['labels', (m) => (m.labels = [])],
    ['labels', (m) => (m.labels = [1, 2, 3, 4])],
    ['head.temperature', (m) => (m.head.temperature = 0)],
    ['head.temperature', (m) => (m.head.temperature = null)],
    ['head.unknownAbove', (m) => (m.head.unknownAbove = '3')],
    ['head.scaling', (m) => (m.head.scaling = 'constructor')],
    ['training.photos', (m) => (m.training = null)],
    ['training', (m) => (m.imported = { sha256: 'a', readAs: 'ONNX', notes: [] })],
    ['imported.notes', (m) => (m.imported = { sha256: 'a', readAs: 'ONNX', notes: [1] })],
    ['imported.sha256', (m) => (m.imported = null)],
    ['files', (m) => (m.files = null)],
    ['files', (m) => (m.files['head.safetensors'] = null)],
    ['files', (m) => (m.files['../../elsewhere'] = entry)],
    ['files', (m) => (m.files['/etc/passwd'] = entry)],
    ['files', (m) => (m.files['a\\b'] = entry)],
    ['files', (m) => (m.files[''] = entry)],
    ['files', (m) => (m.files['.'] = entry)],
    ['files', (m) => (m.files['head.safetensors'].sha256 = 'A'.repeat(64))],
  ])('has a manifest whose %s cannot be', (field, change) => {
    const error = errorOf(() => loadClassifier(withManifest(change)))
    expect(error.code).toBe('bundle_damaged')
    expect(error.message).toContain(field)
  })

  it.each([HEAD_FILE, GOLDEN_FILE])('does not name %s, so that nothing vouches for it', (name) => {
    const changed = withManifest((manifest) => {
      delete manifest.files[name]
    })
    const error = errorOf(() => loadClassifier(changed))
    expect([error.code, error.message.includes(name)]).toEqual(['bundle_damaged', true])
  })

  it('holds something else than tensors, under a hash that is right', () => {
    for (const name of [HEAD_FILE, GOLDEN_FILE]) {
      const error = errorOf(() => loadClassifier(rewritten(name, Buffer.from('no tensors here'))))
      expect([error.code, error.message.includes(name)]).toEqual(['bundle_damaged', true])
    }
  })

  it('holds tensors of other shapes', () => {
    const fewer = withManifest((manifest) => manifest.labels.pop())
    expect(errorOf(() => loadClassifier(fewer)).code).toBe('bundle_damaged')
    const one = { type: 'F32', dims: [1], data: Float32Array.of(1) } as const
    const head = rewritten(HEAD_FILE, encodeSafetensors({ weights: one, bias: one }))
    expect(errorOf(() => loadClassifier(head)).message).toContain('tensor weights')
    const golden = rewritten(GOLDEN_FILE, encodeSafetensors({ features: one }))
    expect(errorOf(() => loadClassifier(golden)).code).toBe('bundle_damaged')
  })
})

describe('the self test', () => {
  /** The bundle with golden probabilities moved by `by`. */
  function withGoldenMoved(by: number): BundleFiles {
    const { features, probe } = syntheticBundle().golden
    const classifier = loadClassifier(files)
    const answers = [0, 1, 2, 3, 4].map((row) =>
      classifier.classify(features.subarray(row * 32, (row + 1) * 32)),
    )
    const data = Float32Array.from(answers.flatMap(({ probabilities }) => [...probabilities]))
    data[data.length - 1] = (data.at(-1) ?? 0) + by
    const golden = encodeSafetensors({
      features: { type: 'F32', dims: [5, 32], data: features },
      probabilities: { type: 'F32', dims: [5, 4], data },
      probe: { type: 'F32', dims: [32], data: probe },
    })
    return rewritten(GOLDEN_FILE, golden)
  }

  it('forgives what rounding explains, and nothing more', () => {
    expect(loadClassifier(withGoldenMoved(0.9e-4)).labels).toHaveLength(4)
    for (const by of [1.1e-4, -0.01, Number.NaN]) {
      const error = errorOf(() => loadClassifier(withGoldenMoved(by)))
      expect(error.code).toBe('bundle_self_test_failed')
      expect(error.message).toContain('row 4')
    }
  })

  it('fails for other weights and another temperature, under hashes that are right', () => {
    const { weights } = syntheticBundle().head
    const tensors = Object.fromEntries(
      [...readHead(files)].map(([name, tensor]) => [name, { ...tensor, type: 'F32' as const }]),
    )
    const moved = { type: 'F32', dims: [32, 4], data: weights.map((w, i) => w + (i % 4)) } as const
    const head = rewritten(HEAD_FILE, encodeSafetensors({ ...tensors, weights: moved }))
    const hotter = withManifest((manifest) => {
      manifest.head.temperature = 0.6
    })
    for (const changed of [head, hotter]) {
      expect(errorOf(() => loadClassifier(changed)).code).toBe('bundle_self_test_failed')
    }
  })

  it('compares the direction of the probe photo’s features', () => {
    const { probe } = syntheticBundle().golden
    checkProbe(files, probe)
    checkProbe(
      files,
      probe.map((value) => 2 * value),
    )
    const others = [
      probe.map((value) => -value),
      probe.map((value, i) => value + (i % 2) * 0.1),
      new Float32Array(32),
      new Float32Array(0),
      probe.map(() => Number.NaN),
    ]
    for (const other of others) {
      expect(errorOf(() => checkProbe(files, other)).code).toBe('bundle_self_test_failed')
    }
  })
})

describe('decide', () => {
  const head = { unsureBelow: 0.4, unknownAbove: 3 }
  it.each([
    [0.4, 3, 'ok'],
    [0.39, 3, 'unsure'],
    [0.4, 3.1, 'unknown'],
    [0.1, 3.1, 'unknown'],
    [0.9, undefined, 'ok'],
    [0.1, undefined, 'unsure'],
    [0.9, -1e9, 'ok'],
  ])('%d at a distance of %s is %s', (best, distance, decision) => {
    expect(decide(best, distance, head)).toBe(decision)
  })
})
