/** The fixtures are what their script makes. Needs Python 3; scripts/setup-python.sh fetches the pinned packages. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('are made by scripts/fixtures/make_fixtures.py, byte for byte', () => {
  execFileSync('sh', ['scripts/setup-python.sh', 'scripts/fixtures', '.venv-fixtures'], {
    cwd: root,
    stdio: 'inherit',
  })
  const report = execFileSync(
    '.venv-fixtures/bin/python',
    ['-B', 'scripts/fixtures/make_fixtures.py', '--check'],
    { cwd: root, encoding: 'utf8' },
  )
  expect(report).toMatch(/^\d+ files, \d+ bytes: as made$/m)
})
