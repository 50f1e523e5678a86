/** Downloads go through the proxy that HTTP_PROXY names, but for the hosts that NO_PROXY names. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { createZip } from '../support/archives.ts'
import { type FileServer, sendFile, startFileServer } from '../support/file-server.ts'

const ARCHIVE = createZip([{ path: 'fruits/apple/1.jpg', content: Buffer.from('photo') }])

let sandbox: Sandbox | undefined
let server: FileServer | undefined
let proxy: Proxy | undefined
afterEach(async () => {
  await server?.close()
  await proxy?.close()
  sandbox?.remove()
})

interface Proxy {
  readonly url: string
  /** Hosts that were asked for. */
  readonly hosts: string[]
  close(): Promise<void>
}

/** A proxy that leads to `port` on this machine, whatever host is asked for. */
async function startProxy(port: number): Promise<Proxy> {
  const hosts: string[] = []
  const tunnels = createServer()
  tunnels.on('connect', ({ url = '' }, socket) => {
    hosts.push(url)
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    const end = () => {
      target.destroy()
      socket.destroy()
    }
    for (const each of [target, socket]) each.on('error', end).on('close', end)
  })
  tunnels.listen(0, '127.0.0.1')
  await once(tunnels, 'listening')
  return {
    url: `http://127.0.0.1:${(tunnels.address() as AddressInfo).port}`,
    hosts,
    close: async () => {
      tunnels.close()
      tunnels.closeAllConnections()
      await once(tunnels, 'close')
    },
  }
}

async function start() {
  sandbox = createSandbox()
  server = await startFileServer((request, response) => sendFile(request, response, ARCHIVE))
  proxy = await startProxy(Number(new URL(server.url).port))
  return { sandbox, server, proxy }
}

describe('a download', () => {
  it('goes through the proxy of the environment', async () => {
    const { sandbox, proxy } = await start()
    const line = 'verger datasets get http://fruits.invalid/fruits.zip'
    expect(await sandbox.run(line, { HTTP_PROXY: proxy.url })).toMatchObject({ exit: 0 })
    expect(proxy.hosts).toEqual(['fruits.invalid:80'])
  })

  it('goes past the proxy where NO_PROXY names the host', async () => {
    const { sandbox, server, proxy } = await start()
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }
    expect(await sandbox.run(`verger datasets get ${server.url}`, env)).toMatchObject({ exit: 0 })
    expect(proxy.hosts).toEqual([])
    expect(server.ranges).toEqual([undefined])
  })
})
