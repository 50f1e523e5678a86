import { ServerCredentials } from '@grpc/grpc-js'
import type { TlsFiles } from '../tls-files.ts'

/** The certificate of the server, renewed on open ports as its files are. */
export class TlsCredentials extends ServerCredentials {
  constructor(tls: TlsFiles) {
    super({}, { ...tls.pair })
    tls.onChange((pair) => this.updateSecureContextOptions({ ...pair }))
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}
