/** Imported before a program: writes the names of the packages that its main thread has loaded at its end to a file. */
import { writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { isMainThread, MessageChannel, receiveMessageOnPort } from 'node:worker_threads'

/** Hooks run in a thread of their own; what is required by an older module is seen in the cache alone. */
const HOOKS = `let port
export const initialize = (given) => { port = given }
export function load(url, context, next) { port.postMessage(url); return next(url, context) }`

if (isMainThread) {
  const { port1, port2 } = new MessageChannel()
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
    parentURL: import.meta.url,
    data: port2,
    transferList: [port2],
  })
  port1.unref()
  process.once('exit', () => {
    const paths = Object.keys(createRequire(import.meta.url).cache)
    for (let got = receiveMessageOnPort(port1); got; got = receiveMessageOnPort(port1)) {
      paths.push(got.message)
    }
    const names = paths.map((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    const found = [...new Set(names.filter((name) => name !== undefined))].toSorted()
    writeFileSync(process.env.VERGER_TEST_PACKAGES, JSON.stringify(found))
  })
}
