/** Every attack, story and property of doc/spec/attacks.md has a test that carries its number in its name. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const titlePattern = /\b(?:test|describe)(?:\.\w+)*(?:\([^'"`]*\))?\(\s*(['"`])(.*?)\1/g
const numberPattern = /\b[AED]\d{1,2}b?\b/g

const numbers: readonly string[] = [
  ...Array.from({ length: 58 }, (_, index) => `A${index + 1}`),
  'A53b',
  ...Array.from({ length: 16 }, (_, index) => `E${index + 1}`),
  ...Array.from({ length: 9 }, (_, index) => `D${index + 1}`)
]

/** Numbers in the names of the tests of each file. */
function testedNumbers(): ReadonlyMap<string, ReadonlySet<string>> {
  const tested = new Map<string, ReadonlySet<string>>()
  for (const name of ['crypto', 'codec', 'tree', 'files']) {
    const folder = join(root, 'packages', name, 'test')
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts')) continue
      const path = join(folder, file)
      const titles = [...readFileSync(path, 'utf8').matchAll(titlePattern)].map((match) => match[2] ?? '')
      const named = titles.flatMap((title) => title.match(numberPattern) ?? [])
      if (named.length > 0) tested.set(relative(root, path), new Set(named))
    }
  }
  return tested
}

/** Files that the table names, by number. */
function documentedFiles(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(join(root, 'doc/spec/attacks.md'), 'utf8')
  const rows = [...text.matchAll(/^\| ([AED]\d{1,2}b?) \| [^|]+ \| ([^|]*) \|/gm)]
  return new Map(
    rows.map(([, number = '', files = '']) => [
      number,
      [...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
    ])
  )
}

describe('doc/spec/attacks.md', () => {
  const tested = testedNumbers()
  const documented = documentedFiles()

  test('every number is in the name of a test', () => {
    const all = new Set([...tested.values()].flatMap((named) => [...named]))
    expect(numbers.filter((number) => !all.has(number))).toEqual([])
  })

  test('every number has a row, and every file of a row has a test of that number', () => {
    expect([...documented.keys()].toSorted()).toEqual(numbers.toSorted())
    for (const [number, files] of documented) {
      expect(files, number).not.toEqual([])
      for (const file of files) expect(tested.get(file)?.has(number), `${number} in ${file}`).toBe(true)
    }
  })

  test('every attack between nodes names a test that exists', () => {
    const [, text = ''] = readFileSync(join(root, 'doc/spec/attacks.md'), 'utf8').split('## Between nodes')
    const rows = [...text.matchAll(/^\| [^|]+ \| `([^`]+)` \| ([^|]+) \|$/gm)]
    expect(rows.length).toBeGreaterThan(30)
    for (const [, file = '', title = ''] of rows)
      expect(readFileSync(join(root, file), 'utf8'), file).toContain(`'${title}'`)
  })
})
