/** Reads an object, again and again from the place where the connection ended, until all bytes are here. */
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ByteRange } from './bucket.ts'
import type { Fault, ObjectClient } from './object-client.ts'

/** Tries without a byte between them. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 100

/** The body ended before all bytes that were announced, or fell silent. */
class Cut extends Error {}

export async function* readObject(
  client: ObjectClient,
  key: string,
  range: ByteRange | undefined,
  stallMs: number,
): AsyncGenerator<Uint8Array> {
  let at = range?.start ?? 0
  let failures = 0
  let version: string | undefined
  for (;;) {
    try {
      const opened = await client.open(key, { start: at, end: range?.end, version })
      version = opened.version
      const end = at + opened.sizeBytes
      try {
        for await (const piece of piecesOf(opened.body, stallMs)) {
          at += piece.length
          failures = 0
          yield piece
        }
        if (at < end) throw new Cut(`${end - at} of ${opened.sizeBytes} bytes too few`)
      } catch (error) {
        // What came behind the last byte does not matter.
        if (at < end) throw error
      }
      return
    } catch (error) {
      const fault: Fault = error instanceof Cut ? 'transient' : client.judge(error)
      // Nothing lies beyond the end of an object.
      if (fault === 'beyond' && range !== undefined) return
      failures++
      if (fault !== 'transient' || failures === ATTEMPTS) throw error
    }
    await sleep(FIRST_PAUSE_MS * 2 ** failures * (0.5 + Math.random()))
  }
}

/** Throws where the body is silent for too long; a reader that takes its time is none of its faults. */
async function* piecesOf(body: Readable, stallMs: number): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const timer = setTimeout(() => {
        body.destroy(new Cut(`no byte for ${stallMs / 1000} s`))
      }, stallMs)
      const { done, value } = await pieces.next().finally(() => clearTimeout(timer))
      if (done === true) return
      yield value
    }
  } finally {
    if (!body.closed) {
      body.on('error', () => {})
      const closed = new Promise((resolve) => body.once('close', resolve))
      body.destroy()
      await closed
    }
  }
}
