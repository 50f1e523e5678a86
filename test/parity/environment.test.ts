/** The libraries that Verger is compared with are those that scripts/parity/requirements.txt pins. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runPython } from './python.ts'

it('has the pinned packages, and TensorFlow loads', async () => {
  const file = new URL('../../scripts/parity/requirements.txt', import.meta.url)
  const requirements = readFileSync(file, 'utf8').trim().split('\n')
  expect(await runPython('environment.py')).toEqual({ requirements, tensorflow: '2.21.0' })
})
