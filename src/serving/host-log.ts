/** Where a host says what nobody asked for; a logger of pino is one. */
export interface HostLog {
  error(facts: object, text: string): void
}

export const SILENT: HostLog = { error() {} }
