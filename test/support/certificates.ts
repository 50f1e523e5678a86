/** Certificates that sign themselves, made when a test needs them: none lies in the repository and none runs out. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

export interface TestPair {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

const DAY_MS = 24 * 3600_000

/** A certificate for `localhost` and 127.0.0.1 whose subject is `name` (X.509 in DER, RFC 5280). */
export function createPair(name: string): TestPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
  const subject = sequence(tag(0x31, sequence(oid('550403'), tag(0x0c, Buffer.from(name)))))
  const days = [new Date(Date.now() - DAY_MS), new Date(Date.now() + DAY_MS)].map((date) =>
    tag(
      0x17,
      Buffer.from(
        `${date
          .toISOString()
          .replace(/[-:T]|\.\d+/g, '')
          .slice(2)}`,
      ),
    ),
  )
  const names = sequence(
    ...['localhost', '127.0.0.1'].map((host) =>
      isIP(host) === 0
        ? tag(0x82, Buffer.from(host))
        : tag(0x87, Buffer.from(host.split('.').map(Number))),
    ),
  )
  const extensions = tag(0xa3, sequence(sequence(oid('551d11'), tag(0x04, names))))
  const body = sequence(
    tag(0xa0, tag(0x02, Buffer.of(2))),
    tag(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    subject,
    sequence(...days),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  )
  const signature = tag(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, privateKey)]))
  const der = sequence(body, ecdsaWithSha256, signature)
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

const oid = (hex: string): Buffer => tag(0x06, Buffer.from(hex, 'hex'))
const sequence = (...parts: readonly Buffer[]): Buffer => tag(0x30, Buffer.concat(parts))

function tag(number: number, content: Buffer): Buffer {
  const { length } = content
  const size =
    length < 0x80
      ? Buffer.of(length)
      : length < 0x100
        ? Buffer.of(0x81, length)
        : Buffer.of(0x82, length >> 8, length & 0xff)
  return Buffer.concat([Buffer.of(number), size, content])
}
