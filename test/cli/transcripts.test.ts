/** Every `*.transcript` in this folder is run; a new file is a new test. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTranscript, patternOf } from './transcript.ts'
import { createSandbox, type Sandbox } from './verger.ts'

const folder = new URL('./', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.transcript'))

describe.each(names)('%s', (name) => {
  let sandbox: Sandbox
  beforeAll(() => {
    sandbox = createSandbox()
  })
  afterAll(() => sandbox.remove())

  it.each(parseTranscript(readFileSync(new URL(name, folder), 'utf8')))(
    '$command',
    async ({ command, stdout, stderr, exit }) => {
      const outcome = await sandbox.run(command)
      expect(outcome.stderr).toMatch(patternOf(stderr))
      expect(outcome.stdout).toMatch(patternOf(stdout))
      expect(outcome.exit).toBe(exit)
    },
  )
})

describe('the language of transcripts', () => {
  it('tells output, errors and exit code apart', () => {
    expect(
      parseTranscript('# remark\n$ verger x\nout\n\n! err\n!\nexit 2\n\n$ true\nexit 0\n'),
    ).toEqual([
      { command: 'verger x', stdout: ['out', ''], stderr: ['err', ''], exit: 2 },
      { command: 'true', stdout: [], stderr: [], exit: 0 },
    ])
  })

  it.each([
    ['a line before the first command', 'Predicted:\n'],
    ['a run without its exit code', '$ verger\nPredicted:\n'],
  ])('refuses %s', (_words, source) => {
    expect(() => parseTranscript(source)).toThrow(/Expected/)
  })

  it.each([
    ['the text itself', ['a.b (c)'], 'a.b (c)\n', true],
    ['other text', ['a.b'], 'a-b\n', false],
    ['a missing line break', ['a'], 'a', false],
    ['one line more', ['a'], 'a\nb\n', false],
    ['nothing', [], '', true],
    ['a number', ['Score <number>, x'], 'Score 1.5e-7, x\n', true],
    ['a word for a number', ['Score <number>'], 'Score high\n', false],
    ['what is no wildcard', ['--top <n>'], '--top <n>\n', true],
    ['any lines', ['a', '<lines>', 'z'], 'a\nb\n\nz\n', true],
  ])('matches %s', (_words, lines, output, isMatch) => {
    expect(patternOf(lines).test(output)).toBe(isMatch)
  })
})
