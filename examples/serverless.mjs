// Verger inside somebody else's server or a serverless function: one function from Request to Response.
//   node examples/serverless.mjs 8787        then: curl -F photo=@apple.jpg http://127.0.0.1:8787/predict
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { createHandler } from 'verger'

const handle = createHandler()

// A platform that speaks Request and Response takes this as it is, e.g. `export default { fetch: handle }`.
export const fetch = handle

// Plain Node.js needs four lines of translation.
async function answer(incoming, outgoing) {
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD'
  const response = await handle(
    new Request(`http://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
      ...(hasBody ? { body: Readable.toWeb(incoming), duplex: 'half' } : {}),
    }),
  )
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch(() => outgoing.destroy())
})
server.listen(Number(process.argv[2] ?? 8787), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
process.once('SIGTERM', () => server.close(() => handle.close()))
