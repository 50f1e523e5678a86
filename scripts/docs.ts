/**
 * Writes docs/reference from the code, so that it cannot say anything else. With `--check` it only compares.
 *
 *   npm run docs         writes
 *   npm run docs:check   fails when a page is not what the code says
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastifySwagger from '@fastify/swagger'
import type { Command } from 'commander'
import { pino } from 'pino'
import { readConfig } from 'verger'
import { openApp } from '../dist/server/open-app.js'
import type { CommandContext } from '../src/cli/context.ts'
import { createProgram } from '../src/cli/main.ts'
import { SETTINGS } from '../src/core/config.ts'
import { ERROR_CATALOGUE } from '../src/core/errors.ts'
import { sha256 } from '../src/core/hashes.ts'
import { packagePath } from '../src/core/version.ts'
import { OPENAPI, OWN_TAGS } from './openapi.ts'

const generated = (title: string): string => `# ${title}\n\n<!-- Written by npm run docs. -->\n`

async function cliPage(): Promise<string> {
  const context: CommandContext = {
    config: readConfig({}),
    cwd: '.',
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    setExitCode: () => {},
  }
  const program = await createProgram(context, [])
  const sections = everyCommand(program, 'verger').map(
    ([name, command]) => `\n## ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`,
  )
  const intro =
    '\nEvery command ends with exit code 0 when it is done, 1 for an expected failure, 2 for wrong usage and 70 for a bug.\n'
  return generated('Command line') + intro + sections.join('')
}

/** A command and all below it, each with what a user types to get there. */
function everyCommand(command: Command, path: string): [string, Command][] {
  const below = command.commands.filter((each) => each.name() !== 'help')
  return [[path, command], ...below.flatMap((each) => everyCommand(each, `${path} ${each.name()}`))]
}

/** The help as a terminal shows it, with the examples that follow it. */
function helpOf(command: Command): string {
  let text = ''
  command
    .configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 80 })
    .outputHelp()
  return text.trim()
}

function errorsPage(): string {
  const intro = `
Every error has a stable code, a message that says what was expected and what was received, and mostly a hint. The
command line prints them and ends with the exit code; the server answers \`{"error": {"code", "message", "hint"}}\` with
the status.
`
  const rows = Object.entries(ERROR_CATALOGUE).map(
    ([code, { status, exitCode, meaning }]) =>
      `| \`${code}\` | ${status} | ${exitCode} | ${meaning} |`,
  )
  return `${generated('Errors')}${intro}\n| code | HTTP status | exit code | raised when |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

function configPage(): string {
  const rows = SETTINGS.map((row) => `| \`${row.name}\` | ${row.default} | ${row.meaning} |`)
  return `${generated('Settings')}\nSettings are environment variables, read once when a command starts.\n\n| variable | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`
}

interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: { readonly default?: unknown }
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> }
  readonly responses: Readonly<Record<string, { readonly description: string }>>
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
}

interface MediaType {
  readonly schema?: {
    readonly properties?: Readonly<Record<string, { readonly description?: string }>>
    readonly required?: readonly string[]
  }
}

interface OpenApi {
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

async function openApi(): Promise<OpenApi> {
  const home = mkdtempSync(join(tmpdir(), 'verger-docs-'))
  const config = readConfig({ VERGER_HOME: home })
  const { app, close } = await openApp({ ...config, workers: 1 }, pino({ level: 'silent' }), {
    describe: (app) => app.register(fastifySwagger, OPENAPI),
  })
  try {
    await app.ready()
    return JSON.parse(JSON.stringify(app.swagger()))
  } finally {
    await close()
    rmSync(home, { recursive: true })
  }
}

function httpPage({ tags, paths }: OpenApi): string {
  const intro = `
The machine-readable form is \`GET /api/openapi.json\`, kept here as [openapi.json](openapi.json). A server that has a token
wants it as \`Authorization: Bearer …\`; the scope that it needs stands beside each route. A client in TypeScript is part of
the package: \`import { createClient } from 'verger/client'\`.
`
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  )
  const sections = tags.map(({ name, description }) => {
    const tagged = routes.filter(({ operation }) => operation.tags?.[0] === name)
    if (tagged.length === 0) return ''
    const rows = tagged.map(({ path, method, operation }) => routeRow(method, path, operation))
    const details = tagged.map(({ path, method, operation }) =>
      operationSection(method, path, operation),
    )
    return `\n## ${name}\n\n${description}\n\n| route | scope | |\n|---|---|---|\n${rows.join('\n')}\n${details.join('')}`
  })
  const untagged = routes.filter(
    ({ operation }) => !tags.some(({ name }) => name === operation.tags?.[0]),
  )
  if (untagged.length > 0) {
    const named = untagged.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    throw new Error(`Expected a tag of scripts/openapi.ts on each route, found none on ${named}`)
  }
  return generated('HTTP') + intro + sections.join('')
}

const routeRow = (method: string, path: string, operation: Operation): string =>
  `| \`${method.toUpperCase()} ${path}\` | ${scopeOf(operation)} | ${operation.summary ?? ''} |`

const scopeOf = ({ security }: Operation): string => security[0]?.['token']?.[0] ?? 'open'

function operationSection(method: string, path: string, operation: Operation): string {
  const { summary = '', description, parameters = [], requestBody, responses } = operation
  const lines = [`\n### ${method.toUpperCase()} ${path}\n`, `${summary}.`]
  if (description !== undefined) lines.push('', description)
  if (parameters.length > 0) {
    lines.push('', '| parameter | in | default | meaning |', '|---|---|---|---|')
    for (const { name, in: place, schema, description: meaning = '' } of parameters) {
      lines.push(`| \`${name}\` | ${place} | ${String(schema.default ?? '')} | ${meaning} |`)
    }
  }
  if (requestBody !== undefined) {
    const types = Object.keys(requestBody.content).map((type) => `\`${type}\``)
    lines.push('', `Body: ${types.join(', ')}.`, ...bodyRows(requestBody.content))
  }
  lines.push('', '| status | meaning |', '|---|---|')
  for (const [status, { description: meaning }] of Object.entries(responses)) {
    lines.push(`| ${status} | ${meaning} |`)
  }
  return `${lines.join('\n')}\n`
}

function bodyRows(content: Readonly<Record<string, MediaType>>): string[] {
  const { properties, required = [] } = content['application/json']?.schema ?? {}
  if (properties === undefined) return []
  const rows = Object.entries(properties).map(
    ([name, { description = '' }]) =>
      `| \`${name}\` | ${required.includes(name) ? 'yes' : ''} | ${description} |`,
  )
  return ['', '| key of the JSON | required | meaning |', '|---|---|---|', ...rows]
}

/** Types of the client, from the part of the document that is our own API. */
const CLIENT_TYPES = packagePath('src/client/openapi.ts')

/** Our own API as text, and the line that says in the types what they were made from. */
function ownApi({ paths, tags, ...rest }: OpenApi): {
  readonly text: string
  readonly line: string
} {
  const own = new Set<string>(OWN_TAGS.map(({ name }) => name))
  const isOwn = ({ tags = [] }: Operation) => tags.every((name) => own.has(name))
  const kept = Object.entries(paths).filter(([, operations]) =>
    Object.values(operations).every(isOwn),
  )
  const text = JSON.stringify({ ...rest, paths: Object.fromEntries(kept) })
  return {
    text,
    line: `// Made by npm run docs from a description with the SHA-256 ${sha256(Buffer.from(text))}.\n`,
  }
}

/** Needs the package registry, once for each change of our API. */
function writeClientTypes({ text, line }: ReturnType<typeof ownApi>): void {
  // Read from standard input where no file is named, and written to standard output.
  const types = execFileSync('npx', ['--yes', 'openapi-typescript@7.13.0'], {
    input: text,
    encoding: 'utf8',
  })
  writeFileSync(CLIENT_TYPES, line + types)
}

const check = process.argv.includes('--check')
const api = await openApi()
const own = ownApi(api)
const areTypesStale = !readFileSync(CLIENT_TYPES, 'utf8').startsWith(own.line)
const pages: Readonly<Record<string, string>> = {
  'docs/reference/cli.md': await cliPage(),
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/config.md': configPage(),
  'docs/reference/http.md': httpPage(api),
  'docs/reference/openapi.json': `${JSON.stringify(api, null, 2)}\n`,
}
const stale = Object.entries(pages).filter(([path, text]) => {
  const file = packagePath(path)
  return !existsSync(file) || readFileSync(file, 'utf8') !== text
})
if (check) {
  for (const [path] of stale) console.error(`${path} is not what the code says: npm run docs`)
  if (areTypesStale) console.error('src/client/openapi.ts is not what the code says: npm run docs')
  process.exitCode = stale.length === 0 && !areTypesStale ? 0 : 1
} else {
  if (areTypesStale) writeClientTypes(own)
  for (const [path, text] of stale) writeFileSync(packagePath(path), text)
}
