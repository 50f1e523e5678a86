/** Where the foreign clients lie that `scripts/clients/setup.sh` installs, and the one that it cannot install. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CLIENTS = fileURLToPath(new URL('../../.clients', import.meta.url))

/** Python with the packages of `scripts/clients/requirements.txt`, or undefined where they are not installed. */
export const CLIENTS_PYTHON = existing([join(CLIENTS, 'bin/python')])

/** Folder of npm packages that only these tests use, or undefined where they are not installed. */
export const CLIENTS_MODULES = existing([join(CLIENTS, 'npm/node_modules')])

/** The Google Cloud CLI of this machine: on the path, or where its installers put it. */
export const GCLOUD = existing([
  ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'gcloud')),
  '/usr/lib/google-cloud-sdk/bin/gcloud',
  '/opt/google-cloud-sdk/bin/gcloud',
  join(process.env['HOME'] ?? '', 'google-cloud-sdk/bin/gcloud'),
])

function existing(paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path))
}
