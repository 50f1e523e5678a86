/** Takes the steps of a container file without a container engine: every image is a folder. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { globSync } from 'tinyglobby'

export interface Instruction {
  readonly name: string
  readonly text: string
}

/** The instructions of a file, continued lines joined, without comments. */
export function parseContainerFile(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
      return { name, text: rest }
    })
}

/** What the last stage says of a container made from it. */
export interface ContainerImage {
  /** Folder that stands for `/`. */
  readonly root: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string | undefined
  readonly command: readonly string[]
  readonly healthCommand: readonly string[]
}

interface Stage {
  readonly root: string
  workdir: string
  readonly env: Record<string, string>
  user?: string
  entrypoint: readonly string[]
  command: readonly string[]
  healthCommand: readonly string[]
}

export interface BuildOptions {
  /** Folder that is sent to the engine, with `<file>.dockerignore` beside the file applied. */
  readonly context: string
  readonly file: string
  /** Folder in which each stage becomes a folder. */
  readonly into: string
}

/** Runs every instruction as it stands; a `RUN` must use paths relative to its `WORKDIR`. Throws on one that it does not know. */
export function takeSteps({ context, file, into }: BuildOptions): ContainerImage {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const { name, text } of parseContainerFile(readFileSync(file, 'utf8'))) {
    if (name === 'FROM') {
      const [, , alias = 'final'] = text.split(/\s+/)
      const root = join(into, alias)
      mkdirSync(root, { recursive: true })
      stage = { root, workdir: '/', env: {}, entrypoint: [], command: [], healthCommand: [] }
      stages.set(alias, stage)
      continue
    }
    if (stage === undefined) throw new Error(`Expected FROM first, received ${name}`)
    take(name, text, stage)
  }
  if (stage === undefined) throw new Error(`Expected instructions in ${file}, found none`)
  const { root, workdir, env, user, entrypoint, command, healthCommand } = stage
  return { root, workdir, env, user, command: [...entrypoint, ...command], healthCommand }

  function take(name: string, text: string, stage: Stage): void {
    const here = join(stage.root, stage.workdir)
    switch (name) {
      case 'WORKDIR':
        stage.workdir = text
        mkdirSync(join(stage.root, text), { recursive: true })
        return
      case 'ENV':
        for (const pair of text.split(' ')) {
          const [key = '', value = ''] = pair.split('=')
          stage.env[key] = value
        }
        return
      case 'COPY':
        copy(text, here, stage)
        return
      case 'RUN':
        execFileSync('sh', ['-c', text], {
          cwd: here,
          env: { ...bareEnvironment(), ...stage.env },
          stdio: ['ignore', 'ignore', 'pipe'],
        })
        return
      case 'USER':
        stage.user = text
        return
      case 'ENTRYPOINT':
        stage.entrypoint = JSON.parse(text)
        return
      case 'CMD':
        stage.command = JSON.parse(text)
        return
      case 'HEALTHCHECK':
        stage.healthCommand = JSON.parse(text.slice(text.indexOf('CMD') + 'CMD'.length))
        return
      case 'EXPOSE':
      case 'VOLUME':
        return
      default:
        throw new Error(`Expected a known instruction, received ${name}`)
    }
  }

  function copy(text: string, here: string, stage: Stage): void {
    const words = text.split(/\s+/)
    const options = words.filter((word) => word.startsWith('--'))
    const paths = words.filter((word) => !word.startsWith('--'))
    const from = options.find((option) => option.startsWith('--from='))?.slice('--from='.length)
    const target = paths.pop() ?? ''
    const into = target.startsWith('/') ? join(stage.root, target) : join(here, target)
    if (from !== undefined) {
      const { root } = stages.get(from) ?? { root: '' }
      for (const path of paths) cpSync(join(root, path), into, { recursive: true })
      return
    }
    for (const path of sentFiles(context, `${file}.dockerignore`)) {
      for (const wanted of paths) {
        const isFolder = wanted === '.' || path.startsWith(`${wanted}/`)
        if (path !== wanted && !isFolder) continue
        const name = wanted === '.' ? path : path.slice(isFolder ? wanted.length + 1 : 0)
        const whole = isFolder ? join(into, name) : join(into, path)
        cpSync(join(context, path), whole)
      }
    }
  }
}

/** Files of a context that an ignore file lets through: one that names first what is sent, then what of it is not. */
function sentFiles(context: string, ignoreFile: string): string[] {
  const lines = readFileSync(ignoreFile, 'utf8').trim().split('\n')
  if (lines.shift() !== '*') throw new Error(`Expected * as the first line of ${ignoreFile}`)
  const sent = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const kept = lines.filter((line) => !line.startsWith('!'))
  return globSync(
    sent.flatMap((path) => [path, `${path}/**`]),
    { cwd: context, dot: true, ignore: kept.flatMap((path) => [path, `${path}/**`]) },
  )
}

/** As in a fresh container: none of npm's and none of our settings. */
function bareEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|VERGER_|VITEST|NODE_ENV)/i.test(name)),
  )
}
