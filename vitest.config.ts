import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], timeoutMs = 30_000) => ({
  test: { name, include, testTimeout: timeoutMs, hookTimeout: timeoutMs },
})

/** `arrows`, `unit` and `built` need npm alone; `web`, `golden`, `weights` and `package` need their set-up script. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('arrows', ['test/architecture/**/*.test.ts']),
      project('unit', ['src/**/*.test.ts', 'scripts/**/*.test.ts']),
      project('built', ['test/{cli,http,contract,docs}/**/*.test.ts'], 60_000),
      project('web', ['test/web/**/*.test.ts'], 60_000),
      project('golden', ['test/golden/**/*.test.ts'], 300_000),
      project('package', ['test/package/**/*.test.ts'], 600_000),
    ],
  },
})
