// Sends photos of a folder to POST /predict over kept-alive connections as fast as the answers come, and holds each
// answer against what the version that it names has said before.
//   node switch-client.mjs PLAN     a JSON file: { urls, model, connections, folder, known: { version: { photo: top } } }
// Reads lines: `begin` counts from zero, `end` prints { answers, failed, mixed, versions, latenciesMs } as one line.
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const { urls, model, connections, folder, known } = JSON.parse(readFileSync(process.argv[2]))
const requestsTo = urls.map((url) => {
  const { host } = new URL(url)
  return readdirSync(folder).map((name) => {
    const photo = readFileSync(join(folder, name))
    const head = `POST /predict?model=${model} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/octet-stream\r\ncontent-length: ${photo.length}\r\n\r\n`
    return { name, bytes: Buffer.concat([Buffer.from(head), photo]) }
  })
})

let counted = fresh()
function fresh() {
  return { answers: 0, failed: 0, mixed: 0, versions: {}, latenciesMs: [], faults: [] }
}

/** One connection; `send` resolves with status and body once the whole answer is here. */
function openConnection(url) {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let received = ''
  let resolve
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
    if (received.length < end + 4 + length) return
    const answer = { status: Number(received.slice(9, 12)), body: received.slice(end + 4) }
    received = ''
    resolve?.(answer)
  })
  const onEnd = (error) => resolve?.({ status: 0, body: String(error) })
  socket.on('error', onEnd)
  socket.on('close', onEnd)
  return {
    send: (bytes) =>
      new Promise((done) => {
        resolve = done
        if (socket.destroyed) done({ status: 0, body: 'closed' })
        else socket.write(bytes)
      }),
    close: () => socket.destroy(),
  }
}

function judge(name, { status, body }) {
  counted.answers++
  if (status !== 200) {
    counted.failed++
    if (counted.faults.length < 5) counted.faults.push(`${status} ${body.slice(0, 300)}`)
    return
  }
  const [{ version, top }] = JSON.parse(body)
  counted.versions[version] = (counted.versions[version] ?? 0) + 1
  if (JSON.stringify(top) === known[version]?.[name]) return
  counted.mixed++
  if (counted.faults.length < 5) counted.faults.push(`${version} ${JSON.stringify(top)}`)
}

let isOver = false
const sending = Array.from({ length: connections }, async (_, index) => {
  const place = index % urls.length
  const requests = requestsTo[place]
  let connection = openConnection(urls[place])
  for (let sent = index; !isOver; sent++) {
    const { name, bytes } = requests[sent % requests.length]
    const startMs = performance.now()
    const answer = await connection.send(bytes)
    counted.latenciesMs.push(performance.now() - startMs)
    judge(name, answer)
    if (answer.status === 0) connection = openConnection(urls[place])
  }
  connection.close()
})

const lines = createInterface(process.stdin)
lines.on('line', (line) => {
  if (line === 'end') console.log(JSON.stringify(counted))
  counted = fresh()
})
await once(lines, 'close')
isOver = true
await Promise.all(sending)
