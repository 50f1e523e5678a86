/** The Python in the guides is run as it stands. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLIENTS_PYTHON } from '../support/foreign-clients.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { photoPath } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'verger-guide-'))

let home: ModelHome
let server: TestServer
beforeAll(async () => {
  cpSync(photoPath('baseline.jpg'), join(folder, 'apple.jpg'))
  home = await createModelHome()
  server = await startServer({ env: { VERGER_HOME: home.path }, args: ['--grpc-port', '0'] })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
  rmSync(folder, { recursive: true })
})

test.skipIf(CLIENTS_PYTHON === undefined).each(['protocols.en.md', 'protocols.fr.md'])(
  '%s',
  async (page) => {
    const path = fileURLToPath(new URL(`../../docs/guide/${page}`, import.meta.url))
    const programs = [...readFileSync(path, 'utf8').matchAll(/```python\n([\s\S]*?)```/g)]
    const printed: string[] = []
    for (const [, program = ''] of programs) {
      const text = program
        .replace('4400', String(server.port))
        .replace('8001', String(server.grpcPort))
      const { stdout } = await run(CLIENTS_PYTHON ?? '', ['-c', text], { cwd: folder })
      printed.push(stdout)
    }
    expect(printed).toEqual([
      expect.stringMatching(/b'0\.\d+:0:Granny_Smith'/),
      expect.stringMatching(/\[\[b'Granny_Smith' b'plum' b'pear'\]\]/),
    ])
  },
)
