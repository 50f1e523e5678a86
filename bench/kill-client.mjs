// Makes versions as `verger versions create --server` does, moves the default and has photos kept, all at once and over
// HTTP, for each server whose address it reads, until that is gone.
//   node kill-client.mjs MODEL PHOTO BUNDLE…     bundles are folders; versions are made of them in turn
// Reads lines `ROUND URL`. Prints a JSON line for each thing that the server has acknowledged, and one when it is gone:
// { version, bundle, files }, { change, to }, { label }, { gone: ROUND, faults }.
import { readFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { readBundleFolder } from '../dist/bundles/verify-bundle.js'
import { openServer } from '../dist/cli/ask-server.js'
import { uploadVersion } from '../dist/cli/upload-version.js'
import { readConfig } from '../dist/core/config.js'
import { sha256 } from '../dist/core/hashes.js'

const [model, photoPath, ...folders] = process.argv.slice(2)
const photo = readFileSync(photoPath)
const config = readConfig({ VERGER_HOME: '/nowhere' })
const bundles = await Promise.all(folders.map((folder) => readBundleFolder(folder)))
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`)
/** A blob that takes some writing, and that no version has had before. */
const REPORT_BYTES = 200_000
/** So that switches and photos leave the server time for uploads. */
const PAUSE_MS = 30

/** Versions that the default may move to: those of the home, then the newest one of this process. */
const targets = ['one', 'two']
let count = 0

for await (const line of createInterface(process.stdin)) {
  const [round, url] = line.split(' ')
  const ended = await Promise.all(
    [upload, move, correct].map((work) => untilGone(work, round, url)),
  )
  say({ gone: Number(round), faults: ended.flat() })
}

/** Gives what went wrong while the server was there. */
async function untilGone(work, round, url) {
  const server = openServer({ url, token: undefined })
  try {
    for (let turn = 0; ; turn++) await work(server, `${round}-${turn}`, turn)
  } catch (error) {
    return error.code === 'server_unreachable' ? [] : [`${work.name}: ${error.message}`]
  } finally {
    await server.close().catch(() => {})
  }
}

async function upload(server, id) {
  const bundle = count++ % bundles.length
  const files = new Map(bundles[bundle])
  const manifest = JSON.parse(Buffer.from(files.get('bundle.json')))
  const training = { ...manifest.training, seed: count }
  files.set('bundle.json', Buffer.from(JSON.stringify({ ...manifest, training })))
  files.set('report.html', Buffer.alloc(REPORT_BYTES, `<p>${id} of ${bundle}</p>`))
  const version = `k${id}-${bundle}`
  await uploadVersion(server, config, { from: files, model, version }, { onUpload() {} })
  targets[2] = version
  say({
    version,
    bundle,
    files: Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)])),
  })
}

async function move(server, id, turn) {
  await sleep(PAUSE_MS)
  const to = targets[turn % targets.length]
  const params = { path: { model } }
  const body = { version: to, why: id }
  const { data } = await server.ask((client) =>
    client.PUT('/api/models/{model}/default', { params, body }),
  )
  // Nothing changes where it answers already.
  if (data.change !== undefined) say({ change: id, to })
}

async function correct(server, id) {
  await sleep(PAUSE_MS)
  const form = new FormData()
  form.append('version', 'one')
  form.append('label', id)
  // What follows the end of a JPEG is no part of the picture.
  form.append('photo', new Blob([photo, id]), 'photo.jpg')
  const { address, fetch } = server
  await server.ask(async () => {
    const request = new Request(`${address.url}/api/models/${model}/corrections`, {
      method: 'POST',
      body: form,
    })
    const response = await fetch(request)
    return { data: await response.json(), error: undefined, response }
  })
  say({ label: id })
}
