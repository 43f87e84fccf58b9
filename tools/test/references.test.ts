/** What documents link to, and what comments and documents name by its path, is there. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const linkPattern = /\]\(([^)#\s]+)(?:#[^)]*)?\)/g
const namedPattern = /`((?:packages|tools|test-harness|harness|doc|bench|apps)\/[\w./-]+\.\w+)`/g
const commentPattern = /\bdoc\/(?:(?:spec|adr)\/[\w.-]+|[A-Z][A-Z-]+)\.(?:md|wit)\b/g

/** Files of the repository that end in one of the endings; those not yet committed are among them. */
function sources(...endings: readonly string[]): readonly string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8'
  })
  const names = stdout.split('\n').filter((name) => endings.some((ending) => name.endsWith(ending)))
  return names.filter((name) => existsSync(join(root, name)))
}

/** Targets of `text`, a document in `folder`, that are absent. */
function brokenIn(text: string, folder: string): readonly string[] {
  const links = [...text.matchAll(linkPattern)].map(([, target = '']) => target)
  const local = links.filter((target) => !/^[a-z]+:/.test(target))
  const named = [...text.matchAll(namedPattern)].map(([, target = '']) => target)
  return [
    ...local.filter((target) => !existsSync(join(folder, target))),
    ...named.filter((target) => !existsSync(join(root, target)))
  ]
}

describe('references', () => {
  test('of documents lead somewhere', () => {
    const documents = sources('.md')
    expect(documents.length).toBeGreaterThan(30)
    const broken = documents.flatMap((name) =>
      brokenIn(readFileSync(join(root, name), 'utf8'), dirname(join(root, name))).map(
        (target) => `${name}: ${target}`
      )
    )
    expect(broken).toEqual([])
  })

  test('of sources to documents lead somewhere', () => {
    const broken = sources('.ts', '.py', '.cjs').flatMap((name) => {
      const named = readFileSync(join(root, name), 'utf8').match(commentPattern) ?? []
      return named.filter((target) => !existsSync(join(root, target))).map((target) => `${name}: ${target}`)
    })
    expect(broken).toEqual([])
  })

  test('that lead nowhere are found', () => {
    const folder = mkdtempSync(join(tmpdir(), 'references-'))
    try {
      writeFileSync(join(folder, 'there.md'), '')
      const text = '[a](there.md) [b](gone.md#part) [c](https://example.org) `tools/gone.ts` `doc/TERMS.md`'
      expect(brokenIn(text, folder)).toEqual(['gone.md', 'tools/gone.ts'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
