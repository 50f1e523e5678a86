import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], timeoutMs = 30_000) => ({
  test: { name, include, testTimeout: timeoutMs, hookTimeout: timeoutMs },
})

/** Where CI wants the results as JSON. */
const report = process.env['VERGER_TEST_REPORT']

/** `arrows`, `unit` and `built` need npm alone; the others what test/setup-all.sh or a setup.sh below scripts/ installs. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      project('arrows', ['test/architecture/**/*.test.ts']),
      project('unit', ['src/**/*.test.ts', 'scripts/**/*.test.ts']),
      project('built', ['test/{cli,http,contract,docs,fuzz}/**/*.test.ts'], 60_000),
      project('servers', ['test/servers/**/*.test.ts'], 120_000),
      project('web', ['test/web/**/*.test.ts'], 60_000),
      project('golden', ['test/golden/**/*.test.ts'], 300_000),
      project('package', ['test/package/**/*.test.ts'], 600_000),
      project('deploy', ['test/deploy/**/*.test.ts'], 600_000),
      project('parity', ['test/parity/**/*.test.ts'], 600_000),
      project('clients', ['test/clients/**/*.test.ts'], 180_000),
    ],
  },
})
