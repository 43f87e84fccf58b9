import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'harness/test/**/*.test.ts',
      'test-harness/test/**/*.test.ts',
      'tools/test/**/*.test.ts'
    ],
    testTimeout: 30_000,
    pool: 'forks'
  }
})
