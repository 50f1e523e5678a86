/** Foreign clients carry tokens in the ways that they have already: each is let in with one, and told why without. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createToken } from '../../dist/registry/tokens.js'
import { openStore } from '../../dist/store/store.js'
import { CLIENTS_MODULES, CLIENTS_PYTHON, GCLOUD } from '../support/foreign-clients.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { photoPath } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

interface Outcome {
  readonly exit: number | string
  readonly output: string
}

const folder = mkdtempSync(join(tmpdir(), 'verger-clients-'))
const tokenFile = join(folder, 'token')
let home: ModelHome
let server: TestServer
let token: string

beforeAll(async () => {
  home = await createModelHome()
  const store = await openStore({ home: home.path })
  const given = { name: 'clients', scopes: ['predict', 'read'], models: ['fruits'] }
  ;({ token } = await createToken(store, given, 'ana'))
  await store.close()
  writeFileSync(tokenFile, token)
  server = await startServer({ env: { VERGER_HOME: home.path }, args: ['--grpc-port', '0'] })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  expect(server.stderr.join('\n')).not.toContain(token)
  await home.remove()
  rmSync(folder, { recursive: true })
})

/** Runs a client to its end with what it prints, on either stream. */
function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  return new Promise<Outcome>((resolve) => {
    const options = { env: { PATH: process.env['PATH'], HOME: folder, ...env }, timeout: 50_000 }
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ exit: error === null ? 0 : (error.code ?? 'killed'), output: stdout + stderr })
    })
  })
}

describe('curl', () => {
  const predict = (...args: string[]) =>
    run('curl', ['-sS', '-F', `photo=@${photoPath('baseline.jpg')}`, ...args])

  test('with a header', async () => {
    const url = `${server.url}/predict?model=fruits`
    const { output } = await predict('-H', `Authorization: Bearer ${token}`, url)
    expect(JSON.parse(output)).toMatchObject([{ model: 'fruits', version: 'v1' }])
  })

  test('with a parameter', async () => {
    const { output } = await predict(`${server.url}/predict?model=fruits&access_token=${token}`)
    expect(JSON.parse(output)).toMatchObject([{ model: 'fruits', version: 'v1' }])
  })

  test('without a token is told what to send', async () => {
    const { output } = await predict(`${server.url}/predict?model=fruits`)
    expect(JSON.parse(output).error.code).toBe('unauthorized')
  })
})

/** Runs lines of Python in which `url`, `token` and `photo` are known. */
function python(lines: string): Promise<Outcome> {
  const [host] = server.url.split('//').slice(1)
  const known = `url = '${server.url}'; host = '${host}'; token = '${token}'; photo = open('${photoPath('baseline.jpg')}', 'rb').read()\n`
  return run(CLIENTS_PYTHON ?? '', ['-c', known + lines], {
    PYTHONWARNINGS: 'ignore',
    HF_HUB_OFFLINE: '1',
  })
}

const TRITON = `
import numpy, tritonclient.http as http
client = http.InferenceServerClient(host)
image = http.InferInput('image_bytes', [1, 1], 'BYTES')
image.set_data_from_numpy(numpy.array([[photo]], dtype=object))
`

describe.skipIf(CLIENTS_PYTHON === undefined)('tritonclient', () => {
  test('with headers', async () => {
    const { exit, output } = await python(`${TRITON}
headers = {'authorization': f'Bearer {token}'}
print(client.get_model_metadata('fruits', headers=headers)['name'])
print(client.infer('fruits', [image], headers=headers).as_numpy('labels').shape)
`)
    expect(exit, output).toBe(0)
    expect(output).toMatch(/^fruits\n\(1, 3\)/)
  })

  test('without a token is told what to send', async () => {
    const { exit, output } = await python(`${TRITON}\nclient.infer('fruits', [image])`)
    expect(exit).toBe(1)
    expect(output).toMatch(/Expected the header Authorization: Bearer/)
  })
})

describe.skipIf(CLIENTS_PYTHON === undefined)('tritonclient over gRPC', () => {
  const metadata = (headers: string) =>
    python(`
import tritonclient.grpc as grpc
client = grpc.InferenceServerClient('127.0.0.1:${server.grpcPort}')
print(client.get_model_metadata('fruits', headers=${headers}).name)
`)

  test('with headers', async () => {
    const { exit, output } = await metadata("{'authorization': f'Bearer {token}'}")
    expect(exit, output).toBe(0)
    expect(output.trim()).toBe('fruits')
  })

  test('without a token is told what to send', async () => {
    const { exit, output } = await metadata('{}')
    expect(exit).toBe(1)
    expect(output).toMatch(/UNAUTHENTICATED.*Expected .*Bearer/s)
  })
})

describe.skipIf(CLIENTS_PYTHON === undefined)('kserve', () => {
  const KSERVE = `
import asyncio, base64
from kserve.inference_client import InferenceRESTClient, RESTConfig
client = InferenceRESTClient(RESTConfig(protocol='v1'))
data = {'instances': [{'b64': base64.b64encode(photo).decode()}]}
def infer(headers):
    return asyncio.run(client.infer(url, data, headers=headers, model_name='fruits'))
`

  test('with headers', async () => {
    const { exit, output } = await python(
      `${KSERVE}\nprint(len(infer({'authorization': f'Bearer {token}'})['predictions']))`,
    )
    expect(exit, output).toBe(0)
    expect(output.trim()).toBe('1')
  })

  test('without a token is told what to send', async () => {
    const { exit, output } = await python(`${KSERVE}\ninfer({})`)
    expect(exit).toBe(1)
    expect(output).toMatch(/Expected the header Authorization: Bearer/)
  })
})

describe.skipIf(CLIENTS_PYTHON === undefined)('google-api-python-client', () => {
  const list = (how: string) =>
    python(`
import google.oauth2.credentials
from googleapiclient import discovery
ml = discovery.build('ml', 'v1', client_options={'api_endpoint': url}, ${how})
print([m['name'] for m in ml.projects().models().list(parent='projects/p').execute()['models']])
`)

  test.each([
    ['an API key', 'developerKey=token'],
    ['credentials', 'credentials=google.oauth2.credentials.Credentials(token=token)'],
  ])('with %s', async (_what, how) => {
    const { exit, output } = await list(how)
    expect(exit, output).toBe(0)
    expect(output.trim()).toBe("['projects/p/models/fruits']")
  })

  test('with a wrong token is told what to send', async () => {
    const { exit, output } = await list("developerKey='wrong'")
    expect(exit).toBe(1)
    expect(output).toMatch(/HttpError 401.*received another token/s)
  })
})

describe.skipIf(CLIENTS_MODULES === undefined)('googleapis for Node.js', () => {
  const list = (auth: string) =>
    run(process.execPath, [
      '-e',
      `const { google } = require(${JSON.stringify(join(CLIENTS_MODULES ?? '', 'googleapis'))})
       const token = ${JSON.stringify(token)}
       const oauth = new google.auth.OAuth2()
       oauth.setCredentials({ access_token: token })
       google.ml({ version: 'v1', rootUrl: '${server.url}/', auth: ${auth} })
         .projects.models.list({ parent: 'projects/p' })
         .then(({ data }) => console.log(data.models.map(({ name }) => name).join()),
               ({ status, code, message }) => { console.log(status ?? code, message); process.exit(1) })`,
    ])

  test.each([
    ['an API key', 'token'],
    ['an OAuth client', 'oauth'],
  ])('with %s', async (_what, auth) => {
    const { exit, output } = await list(auth)
    expect(exit, output).toBe(0)
    expect(output.trim()).toBe('projects/p/models/fruits')
  })

  test('with a wrong token is told what to send', async () => {
    const { exit, output } = await list("'wrong'")
    expect(exit).toBe(1)
    expect(output).toMatch(/^401 .*received another token/)
  })
})

describe.skipIf(GCLOUD === undefined)('gcloud', () => {
  const list = (env: Record<string, string>) =>
    run(GCLOUD ?? '', ['ai-platform', 'models', 'list', '--format=value(name)'], {
      CLOUDSDK_CONFIG: join(folder, 'gcloud'),
      CLOUDSDK_CORE_PROJECT: 'p',
      CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
      CLOUDSDK_CORE_CHECK_GCE_METADATA: 'false',
      CLOUDSDK_AI_PLATFORM_REGION: 'global',
      CLOUDSDK_API_ENDPOINT_OVERRIDES_ML: `${server.url}/`,
      ...env,
    })

  test('with a file that holds a token', async () => {
    const { exit, output } = await list({ CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: tokenFile })
    expect(exit, output).toBe(0)
    expect(output).toMatch(/^fruits$/m)
  })

  test('without a token is told what to send', async () => {
    const { exit, output } = await list({ CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true' })
    expect(exit).toBe(1)
    expect(output).toMatch(/Expected the header Authorization: Bearer/)
  })
})
