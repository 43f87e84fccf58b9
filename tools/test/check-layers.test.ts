/** Every rule of the layer check is broken once on purpose: a gate that cannot fail proves nothing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { type LayerTable, checkLayers, readLayerTable } from '../check-layers.ts'

const table: LayerTable = {
  packages: [
    {
      name: 'low',
      directory: 'packages/low',
      layer: 0,
      pure: true,
      mayImport: [],
      exceptions: { 'src/driver': 'why' }
    },
    {
      name: 'middle',
      directory: 'packages/middle',
      layer: 1,
      pure: true,
      mayImport: ['low'],
      exceptions: {}
    },
    { name: 'high', directory: 'packages/high', layer: 2, pure: false, mayImport: ['low'], exceptions: {} }
  ],
  impureSubpaths: ['low/driver'],
  testSubpaths: ['memory']
}

const clean: Record<string, string> = {
  'packages/low/package.json': JSON.stringify({
    name: '@blocktree/low',
    exports: { '.': {}, './memory': {}, './driver': {} },
    dependencies: { library: '1.0.0' }
  }),
  'packages/low/src/index.ts': `import { thing } from 'library/part'\nexport { thing, other } from './other.ts'\n`,
  'packages/low/src/driver.ts': `import { readFileSync } from 'node:fs'\nprocess.exit(Date.now())\n`,
  'packages/low/src/conformance.ts': `import { test } from 'vitest'\nimport { join } from 'node:path'\n`,
  'packages/middle/package.json': JSON.stringify({
    name: '@blocktree/middle',
    exports: { '.': {} },
    dependencies: { '@blocktree/low': '0.1.0' }
  }),
  'packages/middle/tsconfig.json': JSON.stringify({ references: [{ path: '../low' }] }),
  'packages/middle/src/index.ts': `import {\n  a,\n  b\n} from '@blocktree/low'\n// process.exit and Date.now() in a comment\nconst text = 'Math.random() process.env'\nconst pattern = /new Date()/\nobject.process.run()\n`,
  'packages/middle/test/index.test.ts': `import { memory } from '@blocktree/low/memory'\nimport { x } from '@blocktree/middle'\nimport { readFileSync } from 'node:fs'\nDate.now()\n`,
  'packages/high/package.json': JSON.stringify({
    name: '@blocktree/high',
    exports: { '.': {} },
    dependencies: { '@blocktree/low': '0.1.0' },
    devDependencies: { '@blocktree/middle': '0.1.0' }
  }),
  'packages/high/tsconfig.json': JSON.stringify({ references: [{ path: '../low' }] }),
  'packages/high/src/index.ts': `import { createServer } from 'node:net'\nimport { drive } from '@blocktree/low/driver'\nsetTimeout(() => Date.now(), 1)\n`,
  'packages/high/test/index.test.ts': `const { x } = await import('@blocktree/low')\n`
}

const roots: string[] = []

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

/** Problems of the clean tree with some files replaced. */
function problemsWith(changes: Record<string, string>, changedTable: LayerTable = table): string[] {
  const root = mkdtempSync(join(tmpdir(), 'blocktree-layers-'))
  roots.push(root)
  for (const [path, content] of Object.entries({ ...clean, ...changes })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return checkLayers(root, changedTable)
}

describe('checkLayers', () => {
  test('finds nothing in a tree that keeps the rules', () => {
    expect(problemsWith({})).toEqual([])
  })

  test.each<[string, string, string, string]>([
    [
      'an import that the row does not list',
      'packages/high/src/index.ts',
      `import { x } from '@blocktree/middle'`,
      'packages/high/src/index.ts:1: high (layer 2) may not import middle'
    ],
    [
      'an import upwards',
      'packages/low/src/index.ts',
      `\nimport { x } from '@blocktree/high'`,
      'packages/low/src/index.ts:2: low (layer 0) may not import high'
    ],
    [
      'an import that package.json does not declare',
      'packages/low/src/index.ts',
      `import { x } from '@blocktree/middle'`,
      '"@blocktree/middle" is not a dependency in packages/low/package.json'
    ],
    [
      'an import that tsconfig.json does not refer to',
      'packages/middle/tsconfig.json',
      '{}',
      '"@blocktree/low" is not a reference in packages/middle/tsconfig.json'
    ],
    [
      'a package that has no row',
      'packages/high/src/index.ts',
      `import { x } from '@blocktree/elsewhere'`,
      '"@blocktree/elsewhere" has no row'
    ],
    [
      'a deep import',
      'packages/high/src/index.ts',
      `import { x } from '@blocktree/low/src/other.ts'`,
      'is not an exported subpath of packages/low'
    ],
    [
      'a deep import of types alone',
      'packages/high/src/index.ts',
      `import type { X } from '@blocktree/low/dist/other.js'`,
      'is not an exported subpath of packages/low'
    ],
    [
      'a deep re-export',
      'packages/high/src/index.ts',
      `export * from '@blocktree/low/src/other.ts'`,
      'is not an exported subpath of packages/low'
    ],
    [
      'a dynamic import of what is not allowed',
      'packages/high/src/index.ts',
      `const x = await import('@blocktree/middle')`,
      'high (layer 2) may not import middle'
    ],
    [
      'an import for its side effects alone',
      'packages/high/src/index.ts',
      `import '@blocktree/middle'`,
      'high (layer 2) may not import middle'
    ],
    [
      'a relative import that leaves the package',
      'packages/high/src/index.ts',
      `import { x } from '../../low/src/index.ts'`,
      'leaves the package'
    ],
    [
      'a package that imports itself by name',
      'packages/low/src/index.ts',
      `import '@blocktree/low'`,
      'is this package'
    ],
    [
      'a driver in a pure package',
      'packages/middle/src/index.ts',
      `import { drive } from '@blocktree/low/driver'`,
      'is a driver and middle is pure'
    ],
    [
      'a built-in in a pure package',
      'packages/middle/src/index.ts',
      `import fs from 'node:fs'`,
      '"node:fs" in a pure package'
    ],
    ['a built-in without its prefix', 'packages/high/src/index.ts', `import fs from 'fs'`, 'write "node:fs"'],
    [
      'an undeclared library',
      'packages/high/src/index.ts',
      `import x from '@scope/library/part'`,
      '"@scope/library" is not a dependency'
    ],
    [
      'vitest outside a conformance suite',
      'packages/low/src/index.ts',
      `import { test } from 'vitest'`,
      '"vitest" is not a dependency'
    ],
    [
      'the suite of a package above',
      'packages/low/test/index.test.ts',
      `import { x } from '@blocktree/middle/memory'`,
      'low (layer 0) may not import middle'
    ]
  ])('refuses %s', (_name, path, content, problem) => {
    expect(problemsWith({ [path]: content }).join('\n')).toContain(problem)
  })

  test.each([
    'process.env',
    `process['env']`,
    'Date.now()',
    'new Date()',
    'Math.random()',
    'performance.now()',
    'globalThis; setTimeout(f, 1)',
    'setInterval(f, 1)',
    'crypto.getRandomValues(bytes)',
    'globalThis.crypto.randomUUID()',
    `fetch('http://localhost')`,
    '`${Date.now()}`',
    'const half = total / 2; const now = Date.now() / 1000'
  ])('refuses %s in a pure package', (code) => {
    expect(problemsWith({ 'packages/middle/src/index.ts': `const x = 1\n${code}\n` }).join('\n')).toMatch(
      /^packages\/middle\/src\/index\.ts:2: ".*" in a pure package/
    )
  })

  test.each([
    'const at = new Date(milliseconds)',
    '`Date.now()`',
    'const pattern = /"/; const text = "Date.now()"',
    'clock.process.now()',
    'self.setTimeout',
    '/* Date.now()\n * process.env */'
  ])('allows %s in a pure package', (code) => {
    expect(problemsWith({ 'packages/middle/src/index.ts': `${code}\n` })).toEqual([])
  })

  test('refuses a dependency in package.json that the row does not list', () => {
    const manifest = JSON.stringify({
      name: '@blocktree/low',
      exports: clean,
      dependencies: { '@blocktree/high': '0' }
    })
    expect(problemsWith({ 'packages/low/package.json': manifest }).join('\n')).toContain(
      'depends on @blocktree/high'
    )
  })

  test('refuses a package without a row and a row without a package', () => {
    const withoutHigh = { ...table, packages: table.packages.slice(0, 2) }
    expect(problemsWith({}, withoutHigh)).toEqual([
      'packages/high/package.json: has no row in layers.json; add one'
    ])
    const ghost = {
      name: 'ghost',
      directory: 'packages/ghost',
      layer: 1,
      pure: true,
      mayImport: [],
      exceptions: {}
    }
    expect(problemsWith({}, { ...table, packages: [...table.packages, ghost] })).toEqual([
      'packages/ghost: listed in layers.json but absent'
    ])
  })

  test('refuses a table that points upwards or sideways', () => {
    const rows = table.packages.map((row) =>
      row.name === 'low' ? { ...row, mayImport: ['high', 'nothing'] } : row
    )
    expect(problemsWith({}, { ...table, packages: rows })).toEqual([
      'layers.json: low (layer 0) may not import high (layer 2)',
      'layers.json: low may import nothing, which has no row'
    ])
  })
})

test('the table of this repository has a row for every package and no row points upwards', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const problems = checkLayers(root, readLayerTable())
  expect(
    problems.filter((problem) => /layers\.json/.test(problem) && !/may not import/.test(problem))
  ).toEqual([])
})

interface LinterOverride {
  files: string[]
  rules: Record<string, [string, { patterns: { group: string[] }[] }]>
}

test('the linter repeats the table, so that an editor shows a violation at once', () => {
  const file = fileURLToPath(new URL('../../.oxlintrc.json', import.meta.url))
  const configuration = JSON.parse(readFileSync(file, 'utf8'))
  const overrides: LinterOverride[] = configuration.overrides
  for (const row of readLayerTable().packages) {
    const entry = overrides.find((other) => other.files.includes(`${row.directory}/src/**`))
    const rule = entry?.rules['no-restricted-imports']?.[1]
    expect(rule?.patterns[0]?.group).toEqual([
      '@blocktree/*',
      ...row.mayImport.map((name) => `!@blocktree/${name}`)
    ])
  }
})
