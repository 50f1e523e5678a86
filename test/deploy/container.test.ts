/** The container file: linted, and its steps taken without an engine. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ContainerImage, takeSteps } from '../support/container-file.ts'
import { findTool, runTool } from '../support/deploy-tools.ts'
import { predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FILE = join(ROOT, 'deploy/Dockerfile')
const TOKEN = 'a-token-for-the-container'

test.skipIf(findTool('hadolint') === undefined)('hadolint finds nothing', () => {
  expect(runTool('hadolint', ['--failure-threshold', 'info', FILE])).toBe('')
})

describe('what its steps make', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verger-image-'))
  let image: ContainerImage
  beforeAll(() => {
    image = takeSteps({ context: ROOT, file: FILE, into: folder })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const inside = (path: string) => join(image.root, path)

  test('is the program, without its sources and the tools that built it', () => {
    for (const path of ['app/dist/cli/main.js', 'app/web/dist/index.html', 'app/weights', 'data']) {
      expect(existsSync(inside(path)), path).toBe(true)
    }
    for (const path of ['app/src', 'app/test', 'app/node_modules/typescript', 'src']) {
      expect(existsSync(inside(path)), path).toBe(false)
    }
  })

  test('is small', () => {
    const [megabytes] = runTool('du', ['-sm', inside('app')]).split('\t')
    expect(Number(megabytes)).toBeLessThan(300)
  })

  test('runs as a user that is not root', () => {
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  test('answers photos, is healthy, and ends on SIGTERM', async () => {
    const port = '4461'
    const [node = '', ...args] = image.command.map((word) => word.replace('0.0.0.0', '127.0.0.1'))
    const server = spawn(node, [...args, '--port', port], {
      cwd: inside(image.workdir),
      env: {
        PATH: process.env['PATH'],
        ...image.env,
        VERGER_HOME: inside(image.env['VERGER_HOME'] ?? ''),
        VERGER_TOKEN: TOKEN,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = once(server, 'exit')
    const isHealthy = () => {
      const [program = '', ...rest] = image.healthCommand.map((word) => word.replace('4400', port))
      return spawnSync(program, rest).status
    }
    try {
      expect(isHealthy()).toBe(1)
      await once(createInterface(server.stdout), 'line')
      expect(isHealthy()).toBe(0)
      const answer = await predict(`http://127.0.0.1:${port}`, readPhoto('baseline.jpg'), {
        type: 'image/jpeg',
        headers: { authorization: `Bearer ${TOKEN}` },
      })
      expect(predictionsOf(answer)[0]?.top).toHaveLength(5)
    } finally {
      server.kill('SIGTERM')
    }
    expect(await ended).toEqual([0, null])
  })
})
