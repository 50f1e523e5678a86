/** Nothing is written beside VERGER_HOME, and ONNX Runtime reports to nobody: it would keep an id in the user's home. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { photoPath } from '../support/photos.ts'
import { runProgram, serversLeft, startServer } from '../support/server.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-kept-'))
const fruits = join(folder, 'fruits')
beforeAll(async () => {
  await writeSmallDataset(fruits)
})
afterAll(() => {
  expect(serversLeft()).toEqual([])
  rmSync(folder, { recursive: true })
})

/** Files that a program leaves in the home folder of its user. */
async function leftBy(run: (env: Readonly<Record<string, string>>) => Promise<unknown>) {
  const user = mkdtempSync(join(folder, 'user-'))
  mkdirSync(join(user, 'verger'))
  expect(await run({ HOME: user, VERGER_HOME: join(user, 'verger') })).toBe(0)
  return readdirSync(user)
}

test.each([
  ['predict', [photoPath('baseline.jpg')]],
  ['doctor', []],
  ['train', [fruits, '--out', join(folder, 'frozen')]],
  ['train --mode fine-tune', [fruits, '--size', '32', '--out', join(folder, 'tuned')]],
])('verger %s leaves nothing', async (command, args) => {
  const words = [...command.split(' '), ...args]
  const left = await leftBy(async (env) => (await runProgram(words, env)).exitCode)
  expect(left).toEqual(['verger'])
})

test('verger up leaves nothing', async () => {
  const left = await leftBy(async (env) => (await startServer({ env })).stop())
  expect(left).toEqual(['verger'])
})
