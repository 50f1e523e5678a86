/** `verger up`: the server and the web app in one process. */
import { Command, InvalidArgumentError } from 'commander'
import { DEFAULT_PORT } from '../../core/config.ts'
import type { CommandContext } from '../context.ts'

export function createUpCommand(context: CommandContext): Command {
  return new Command('up')
    .summary('start the server and the web app')
    .description(
      'Starts the server and the web app in one process, and stops them on SIGTERM or Ctrl+C.',
    )
    .option('--port <n>', 'port to listen on, 0 for any free one', parsePort, DEFAULT_PORT)
    .option(
      '--host <address>',
      'address to listen on; another than loopback needs a token',
      '127.0.0.1',
    )
    .option(
      '--grpc-port <n>',
      'port on which to speak the Open Inference Protocol over gRPC, 0 for any free one; without it, none',
      parsePort,
    )
    .option('--json', 'print the address as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ verger up
  $ verger up --port 8080
  $ verger up --grpc-port 8001
  $ verger tokens create phone --scope predict && verger up --host 0.0.0.0
  $ VERGER_TLS_CERT=cert.pem VERGER_TLS_KEY=key.pem verger up
  $ curl -F photo=@apple.jpg http://127.0.0.1:4400/predict
  $ curl -F photo=@apple.jpg 'http://127.0.0.1:4400/predict?model=fruits'

Logs are JSON lines on standard error; VERGER_LOG_LEVEL=warn makes them quiet.`,
    )
    .action(async ({ port, host, grpcPort, json }: UpOptions) => {
      const { listen } = await import('../../server/listen.ts')
      const stopped = untilSignal()
      const server = await listen({ config: context.config, host, port, grpcPort })
      context.stdout.write(
        json === true
          ? `${JSON.stringify({ url: server.url, grpcPort: server.grpcPort })}\n`
          : `Verger is ready: open ${server.url}${grpcNote(server.grpcPort)}\n`,
      )
      const signal = await stopped
      if (json !== true) context.stdout.write(`${signal}: finishing the requests that are here\n`)
      await server.close()
    })
}

interface UpOptions {
  readonly port: number
  readonly host: string
  readonly grpcPort?: number
  readonly json?: true
}

const grpcNote = (port: number | undefined): string =>
  port === undefined ? '' : `, gRPC on port ${port}`

/** Resolves with the first signal that asks the process to stop; a second one then ends it at once, as is the default. */
function untilSignal(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
  })
}

function parsePort(value: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError(`Expected a port from 0 to 65535, received '${value}'.`)
}
