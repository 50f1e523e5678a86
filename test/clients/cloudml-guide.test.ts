/** The guide for CloudML, command by command, with the real gcloud. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { GCLOUD } from '../support/foreign-clients.ts'
import { photoPath } from '../support/photos.ts'
import { serversLeft, startServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Commands of all blocks in their order, as one script. */
async function scriptOf(page: string): Promise<string> {
  const text = await readFile(join(ROOT, page), 'utf8')
  const blocks = [...text.matchAll(/```(console|sh)\n([\s\S]*?)```/g)]
  return blocks
    .flatMap(([, kind, block = '']) =>
      kind === 'sh'
        ? [block]
        : block.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : [])),
    )
    .filter((command) => command !== 'verger up')
    .join('\n')
}

/** Names that the French page gives to what the English one names otherwise. */
const FRENCH: readonly (readonly [french: string, english: string])[] = [
  ['mon-projet', 'my-project'],
  ['exporte', 'exported'],
  ['depot', 'staging'],
  ['modeles', 'models'],
  ['pomme', 'apple'],
  ['deploiement', 'deploy'],
  ['jeton', 'token'],
  ['curl_fr', 'curl_en'],
  ['Ce qu’il y a sur une photo', 'What is on a photo'],
  ['La première', 'The first one'],
]

test('the French guide has the commands of the English one', async () => {
  const french = await scriptOf('docs/guide/cloudml.fr.md')
  const translated = FRENCH.reduce(
    (script, [word, english]) => script.replace(new RegExp(`${word}(?![a-z])`, 'g'), english),
    french,
  )
  expect(translated).toBe(await scriptOf('docs/guide/cloudml.en.md'))
})

describe.skipIf(GCLOUD === undefined)('gcloud', () => {
  test('runs every command of the guide', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verger-guide-'))
    await mkdir(join(folder, 'bin'))
    await symlink(join(ROOT, 'bin/verger.js'), join(folder, 'bin/verger'))
    await cp(photoPath('baseline.jpg'), join(folder, 'apple.jpg'))
    const home = join(folder, '.verger')
    const server = await startServer({ env: { VERGER_HOME: home } })
    try {
      const script = await scriptOf('docs/guide/cloudml.en.md')
      const { stdout, stderr } = await promisify(execFile)(
        'bash',
        [
          '-euxo',
          'pipefail',
          '-c',
          script.replaceAll('127.0.0.1:4400', `127.0.0.1:${server.port}`),
        ],
        {
          cwd: folder,
          env: {
            PATH: `${folder}/bin:${process.env['PATH']}`,
            HOME: folder,
            VERGER_HOME: home,
            CLOUDSDK_CORE_CHECK_GCE_METADATA: 'false',
            CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
            CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
          },
        },
      )
      expect(stdout).toMatch(/"predictions": \[/)
      expect(stdout).toMatch(/v1 +gs:.* READY\nv2 +gs:.* READY/)
      expect(stdout).not.toContain('"error"')
      expect(stderr).toContain('Created ai platform model')
    } finally {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    }
    expect(serversLeft()).toEqual([])
  }, 300_000)
})
