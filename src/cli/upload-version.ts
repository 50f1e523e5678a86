/** Gives a server what lies on this machine: only what it has not yet, and then the names of all. */
import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { SHIPPED_BACKBONES } from '../backbones/catalog.ts'
import { DESCRIPTION, MODEL } from '../backbones/kept-backbones.ts'
import { descriptionPath } from '../backbones/portable-backbones.ts'
import type { Operation as OperationJson, Version as VersionJson } from '../client/create-client.ts'
import type { Config } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import type { NewVersion, VersionNaming } from '../deployment/create-version.ts'
import { isUrl, openSource } from '../deployment/open-source.ts'
import type { ReadSource } from '../deployment/read-source.ts'
import type { AskedServer } from './ask-server.ts'
import { followOperation } from './follow-operation.ts'
import type { CreateNarrator } from './models-api.ts'
import { serverOperations } from './server-operations.ts'
import { withTemporaryHome } from './with-temporary-home.ts'

interface Upload {
  readonly sha256: string
  readonly bytes: Blob
}

/** What lies in a bucket is fetched by the server. Throws like `openSource`, and the error of the server. */
export async function uploadVersion(
  server: AskedServer,
  config: Pick<Config, 'home' | 'limits'>,
  { from, facts = {}, ...naming }: NewVersion,
  narrator: CreateNarrator,
): Promise<VersionJson> {
  if (typeof from === 'string' && isUrl(from)) {
    const { labels, scaling, licence } = facts
    const origin = { from, facts: defined({ labels, scaling, licence }) }
    const operation = await create(server, naming, origin)
    return waitForVersion(server, operation as OperationJson, narrator)
  }
  return withTemporaryHome(async (madeIn) => {
    const source = await openSource(from, facts, { ...config, ...narrator, madeIn })
    return uploadSource(server, source, naming, narrator)
  })
}

/** Makes a version of what was read here. Throws the error of the server. */
export async function uploadSource(
  server: AskedServer,
  source: ReadSource,
  naming: VersionNaming,
  narrator: Pick<CreateNarrator, 'onUpload'>,
): Promise<VersionJson> {
  const { files, backboneFiles, uploads } = await planUploads(source)
  await sendMissing(server, uploads, narrator)
  return (await create(server, naming, defined({ files, backboneFiles }))) as VersionJson
}

async function create(
  server: AskedServer,
  { model, version, description, labels, setDefault, why }: VersionNaming,
  origin: object,
): Promise<VersionJson | OperationJson> {
  const params = { path: { model } }
  const naming = defined({ name: version, description, labels, setDefault, why })
  const { data } = await server.ask((client) =>
    client.POST('/api/models/{model}/versions', { params, body: { ...naming, ...origin } }),
  )
  return data
}

/** Throws the error that the operation ended with. */
async function waitForVersion(
  server: AskedServer,
  operation: OperationJson,
  narrator: CreateNarrator,
): Promise<VersionJson> {
  const { model, version } = await followOperation(serverOperations(server), operation, narrator)
  const params = { path: { model, version: version ?? '' } }
  const { data } = await server.ask((client) =>
    client.GET('/api/models/{model}/versions/{version}', { params }),
  )
  return data
}

async function planUploads({ files, backbone }: ReadSource) {
  const uploads: Upload[] = []
  const plan = (bytes: Blob, hash: string): string => {
    uploads.push({ sha256: hash, bytes })
    return hash
  }
  const planBytes = (bytes: Uint8Array) =>
    plan(new Blob([bytes as Uint8Array<ArrayBuffer>]), sha256(bytes))
  const names = Object.fromEntries([...files].map(([name, bytes]) => [name, planBytes(bytes)]))
  const { path, sha256: weights } = backbone.weights
  // Every Verger has these.
  if (SHIPPED_BACKBONES.some((shipped) => shipped.weights.sha256 === weights)) {
    return { files: names, backboneFiles: undefined, uploads }
  }
  const backboneFiles = {
    [DESCRIPTION]: planBytes(await readFile(descriptionPath(path))),
    [MODEL]: plan(await openAsBlob(path), weights),
  }
  return { files: names, backboneFiles, uploads }
}

async function sendMissing(
  server: AskedServer,
  uploads: readonly Upload[],
  narrator: Pick<CreateNarrator, 'onUpload'>,
): Promise<void> {
  const missing: Upload[] = []
  for (const upload of uploads) if (!(await isThere(server, upload))) missing.push(upload)
  const totalBytes = missing.reduce((sum, { bytes }) => sum + bytes.size, 0)
  let doneBytes = 0
  for (const { sha256, bytes } of missing) {
    const params = { path: { sha256 } }
    await server.ask((client) =>
      client.PUT('/api/blobs/{sha256}', {
        params,
        body: bytes,
        bodySerializer: (body) => body,
        headers: { 'content-type': 'application/octet-stream' },
      }),
    )
    doneBytes += bytes.size
    narrator.onUpload(doneBytes, totalBytes)
  }
}

async function isThere({ ask }: AskedServer, { sha256 }: Upload): Promise<boolean> {
  const params = { path: { sha256 } }
  return ask((client) => client.GET('/api/blobs/{sha256}', { params })).then(
    () => true,
    (error: unknown) => {
      if (error instanceof VergerError && error.code === 'blob_unknown') return false
      throw error
    },
  )
}

/** Without what is undefined. */
function defined<Values extends object>(values: Values) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Values]?: NonNullable<Values[Key]> }
}
