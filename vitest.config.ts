/**
 * Two projects over one set of conditions: `unit` runs in one process per file and starts nothing; `node`
 * spawns the emitted program, so it is built first, and its files run one after another.
 */
import { type ViteUserConfig, defineConfig } from 'vitest/config'

const conditions = ['source', 'node', 'import', 'module', 'default']
const nodeTests = [
  'packages/cli/test/**/*.test.ts',
  'packages/node/test/e2e/**/*.test.ts',
  'harness/test/**/*.test.ts',
  'test-harness/test/**/*.test.ts'
]

/** Where `.ci/run` wants the results as JSON, beside what is shown. */
const report = process.env['CI_TEST_REPORT'] ?? ''

const resolution = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } }
}

const config: ViteUserConfig = defineConfig({
  ...resolution,
  test: {
    ...(report === '' ? {} : { reporters: ['default', ['json', { outputFile: report }]] }),
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        ...resolution,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'tools/test/**/*.test.ts'],
          exclude: [...nodeTests, '**/node_modules/**', '**/dist/**'],
          testTimeout: 30_000
        }
      },
      {
        ...resolution,
        test: {
          name: 'node',
          include: nodeTests,
          globalSetup: ['tools/test-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false
        }
      }
    ]
  }
})

export default config
