/** Every test that doc/spec/hostile-apps.md names exists, and every attack of the list has one. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'doc/spec/hostile-apps.md'), 'utf8')

const attacks: readonly string[] = [
  'infinite loop',
  'memory.fill loop',
  'memory growth',
  'table bomb',
  'deep recursion',
  'a million functions',
  'huge br_table',
  'start-function work',
  'forged, oversized and half frames',
  'fd exhaustion',
  'fork attempts',
  'reading host files',
  'connecting out without a grant',
  'DNS rebinding',
  'redirect to 127.0.0.1',
  'Host header tricks',
  'response splitting',
  'path escapes by dots',
  'path escapes by links',
  'path escapes by Unicode',
  'a handle after revocation',
  "another app's handle",
  'a lock held by a killed app',
  'flooding logs',
  'flooding messages',
  'flooding watches',
  'flooding timers',
  'a manifest signed by another key',
  'a module that does not match its hash',
  'a downgrade',
  "another author's app id",
  'zip-bomb-like assets',
  "a neighbour's latency"
]

/** Files by their letters. */
function filesByLetter(): ReadonlyMap<string, string> {
  const rows = document.matchAll(/^\| ([A-Z]) \| `([^`]+)` \|/gm)
  return new Map([...rows].map(([, letter = '', file = '']) => [letter, file]))
}

interface NamedTest {
  readonly letter: string
  readonly title: string
}

/** Tests of each attack. */
function testsByAttack(): ReadonlyMap<string, readonly NamedTest[]> {
  const rows = document.matchAll(/^\| ([^|`]{2,}) \| ([^|]+) \| ([^|]+) \|$/gm)
  return new Map(
    [...rows].map(([, attack = '', judged = '', real = '']) => [
      attack,
      [...`${judged} ${real}`.matchAll(/([A-Z]) `([^`]+)`/g)].map(([, letter = '', title = '']) => ({
        letter,
        title
      }))
    ])
  )
}

describe('doc/spec/hostile-apps.md', () => {
  const files = filesByLetter()
  const named = testsByAttack()

  test('every attack has a row with a test', () => {
    expect(attacks.filter((attack) => (named.get(attack) ?? []).length === 0)).toEqual([])
  })

  test('every file is there, and is named by a test', () => {
    const used = new Set([...named.values()].flat().map(({ letter }) => letter))
    expect([...files.values()].filter((file) => !existsSync(join(root, file)))).toEqual([])
    expect([...files.keys()].filter((letter) => !used.has(letter))).toEqual([])
  })

  test('every named test is in its file', () => {
    const absent = [...named.values()].flat().filter(({ letter, title }) => {
      const file = files.get(letter)
      if (file === undefined) return true
      const text = readFileSync(join(root, file), 'utf8')
      return !["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`))
    })
    expect(absent).toEqual([])
  })
})
