/**
 * Networks of torchvision and timm compute the same in Verger, read from their state dicts. PyTorch is too large for the
 * environment of these tests: `VERGER_PYTORCH` names a Python that has it, as scripts/parity/pytorch_networks.py says.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findArchitecture } from '../../src/backbones/architectures.ts'
import { readPyTorchWeights } from '../../src/backbones/readers/pytorch-weights.ts'
import { relativeDifference, runNetwork } from './run-network.ts'

const PYTHON = process.env['VERGER_PYTORCH']

interface Made {
  readonly architecture: string
  readonly photo: string
  readonly logits: readonly number[]
  readonly features: readonly number[]
}

describe.skipIf(PYTHON === undefined)('networks of PyTorch', () => {
  let folder: string
  let made: Record<string, Made>
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'verger-pytorch-'))
    const printed = execFileSync(
      PYTHON ?? '',
      ['-B', 'scripts/parity/pytorch_networks.py', folder],
      { encoding: 'utf8', maxBuffer: 2 ** 28 },
    )
    made = JSON.parse(printed) as Record<string, Made>
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    'mobilenet_v2.pth',
    'mobilenetv2_100.safetensors',
    'efficientnet_lite0.pth',
    'tf_efficientnet_lite0.pth',
    'inception_v3_google.pth',
    'inception_v3.safetensors',
  ])('compute the same: %s', async (file) => {
    const expected = made[file]
    if (expected === undefined) throw new Error(`Python made no ${file}`)
    const architecture = findArchitecture(expected.architecture)
    const { network, weights } = await readPyTorchWeights(join(folder, file), architecture)
    const photo = Buffer.from(expected.photo, 'base64')
    const { logits, features } = await runNetwork(network, weights, photo)
    expect(relativeDifference(features ?? new Float32Array(), expected.features)).toBeLessThan(1e-4)
    expect(relativeDifference(logits ?? new Float32Array(), expected.logits)).toBeLessThan(1e-4)
  })
})
