// Sends photos of a folder to POST /predict over kept-alive connections, with as little work of its own as possible.
//   node load-client.mjs URL FOLDER saturate CONNECTIONS REQUESTS     as fast as the answers come, with probes of health beside
//   node load-client.mjs URL FOLDER sustain CONNECTIONS SECONDS       as fast as the answers come
//   node load-client.mjs URL FOLDER pace REQUESTS_PER_SECOND SECONDS  at fixed times, whatever the answers do
// LOAD_FORM=multipart sends each photo as the part `photos` of a form.
// Prints one line: { rate, latenciesMs, healthMs, failures }. A paced request counts from the time it was due.
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

const [url, folder, mode, first, second] = process.argv.slice(2)
const { hostname, port, host } = new URL(url)
const isForm = process.env.LOAD_FORM === 'multipart'
const BOUNDARY = 'verger-load'
const requests = readdirSync(folder).map((name) => {
  const photo = readFileSync(join(folder, name))
  const body = isForm ? formOf(photo) : photo
  const type = isForm ? `multipart/form-data; boundary=${BOUNDARY}` : 'image/jpeg'
  const head = `POST /predict HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
})
const healthRequest = Buffer.from(`GET /healthz HTTP/1.1\r\nhost: ${host}\r\n\r\n`)

function formOf(photo) {
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="photos"; filename="photo.jpg"\r\ncontent-type: image/jpeg\r\n\r\n`
  return Buffer.concat([Buffer.from(head), photo, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])
}

/** One connection; `send` resolves with the status once the whole answer is here. */
function openConnection() {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let received = ''
  let resolve
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
    if (received.length < end + 4 + length) return
    const status = Number(received.slice(9, 12))
    received = ''
    resolve?.(status)
  })
  socket.on('error', () => resolve?.(0))
  socket.on('close', () => resolve?.(0))
  return {
    send: (bytes) =>
      new Promise((done) => {
        resolve = done
        if (socket.destroyed) done(0)
        else socket.write(bytes)
      }),
    close: () => socket.destroy(),
  }
}

const latenciesMs = []
const healthMs = []
let failures = 0
let sent = 0

async function timed(connection, bytes, into, startMs = performance.now()) {
  const status = await connection.send(bytes)
  into.push(performance.now() - startMs)
  if (status !== 200) failures++
}

async function saturate(connections, total) {
  const health = openConnection()
  let busy = true
  const probe = (async () => {
    while (busy) {
      await timed(health, healthRequest, healthMs)
      await new Promise((done) => setTimeout(done, 25))
    }
    health.close()
  })()
  await sendWhile(connections, () => sent < total)
  busy = false
  await probe
}

async function sustain(connections, seconds) {
  const endMs = performance.now() + seconds * 1000
  await sendWhile(connections, () => performance.now() < endMs)
}

async function sendWhile(connections, wanted) {
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = openConnection()
      while (wanted()) await timed(connection, requests[sent++ % requests.length], latenciesMs)
      connection.close()
    }),
  )
}

async function pace(perSecond, seconds) {
  const idle = []
  const pending = []
  const startMs = performance.now()
  const total = Math.floor(perSecond * seconds)
  while (sent < total) {
    const dueMs = startMs + (sent / perSecond) * 1000
    const wait = dueMs - performance.now()
    if (wait > 0) await new Promise((done) => setTimeout(done, wait))
    const connection = idle.pop() ?? openConnection()
    pending.push(
      timed(connection, requests[sent++ % requests.length], latenciesMs, dueMs).then(() =>
        idle.push(connection),
      ),
    )
  }
  await Promise.all(pending)
  for (const connection of idle) connection.close()
}

const MODES = { saturate, sustain, pace }
const startMs = performance.now()
await MODES[mode](Number(first), Number(second))
const rate = latenciesMs.length / ((performance.now() - startMs) / 1000)
console.log(JSON.stringify({ rate, latenciesMs, healthMs, failures }))
