/** The real gcloud, pointed at a server of a test, without an account and without a word to anybody else. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GCLOUD } from './foreign-clients.ts'

export interface GcloudOutcome {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Gcloud {
  /** Runs `gcloud ai-platform …`. */
  ai(...args: readonly string[]): Promise<GcloudOutcome>
  /** Runs `gcloud ai-platform … --format=json` and gives what it printed; rejects where it fails. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  json(...args: readonly string[]): Promise<any>
  /** Runs `gcloud …`. */
  run(...args: readonly string[]): Promise<GcloudOutcome>
  remove(): Promise<void>
}

export async function createGcloud(
  url: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Gcloud> {
  const config = await mkdtemp(join(tmpdir(), 'verger-gcloud-'))
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: config,
    CLOUDSDK_CONFIG: config,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    CLOUDSDK_CORE_PROJECT: 'orchard',
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_CHECK_GCE_METADATA: 'false',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
    CLOUDSDK_AI_PLATFORM_REGION: 'global',
    CLOUDSDK_API_ENDPOINT_OVERRIDES_ML: `${url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: `${url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${url}/storage/v1/`,
    ...more,
  }
  const run = (...args: readonly string[]): Promise<GcloudOutcome> =>
    new Promise((resolve, reject) => {
      const child = spawn(GCLOUD ?? 'gcloud', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (text) => {
        stdout += text
      })
      child.stderr.on('data', (text) => {
        stderr += text
      })
      child.once('error', reject)
      child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
    })
  return {
    run,
    ai: (...args) => run('ai-platform', ...args),
    async json(...args) {
      const { exitCode, stdout, stderr } = await run('ai-platform', ...args, '--format=json')
      if (exitCode === 0) return stdout === '' ? undefined : JSON.parse(stdout)
      throw new Error(`gcloud ai-platform ${args.join(' ')} ended with ${exitCode}: ${stderr}`)
    },
    remove: () => rm(config, { recursive: true, force: true }),
  }
}
