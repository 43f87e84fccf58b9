import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  unlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newTransferFixture } from './transfer-fixture.ts'

const nobody = 65_534

/** Bytes `from` to before `to` of an endless text that is nowhere the same: a part of it shows where it belongs. */
function endless(from: number, to: number): Buffer {
  const first = Math.floor(from / 8)
  const numbers = Array.from({ length: Math.ceil(to / 8) - first }, (_unused, index) => first + index)
  const text = numbers.map((number) => `${number.toString(36).padStart(7, '0')}\n`).join('')
  return Buffer.from(text.slice(from - first * 8, to - first * 8))
}

/** Runs as somebody whom modes stop; root is stopped by none. */
async function withoutPrivileges<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return await work()
  execFileSync('chown', ['-R', `${nobody}`, directory])
  process.seteuid?.(nobody)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

describe('a source that cannot be read as a whole', () => {
  test('names every file and directory that its mode closes, and stores nothing of them', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, files, directory } = fixture
    const source = join(directory, 'source')
    mkdirSync(join(source, 'closed-directory'), { recursive: true })
    for (const name of ['good', 'closed', 'closed-directory/inside', 'last'])
      writeFileSync(join(source, name), name)
    await transfer.importTree(actor, join(source, 'good'), '/started') // the worker has loaded its modules
    chmodSync(join(source, 'closed'), 0)
    chmodSync(join(source, 'closed-directory'), 0)
    const report = await withoutPrivileges(directory, () => transfer.importTree(actor, source, '/closed'))
    expect(report.files).toBe(2)
    expect(report.problems.map(({ path, code }) => [path, code]).sort()).toEqual([
      [join(source, 'closed'), 'ERR_ENTRY_UNREADABLE'],
      [join(source, 'closed-directory'), 'ERR_ENTRY_UNREADABLE']
    ])
    expect(files.exists(actor, '/closed/closed')).toBe(false)
    expect(files.exists(actor, '/closed/closed-directory/inside')).toBe(false)
    chmodSync(join(source, 'closed'), 0o600)
    chmodSync(join(source, 'closed-directory'), 0o700)
    const rest = await transfer.importTree(actor, source, '/closed')
    expect(rest).toMatchObject({ files: 2, unchanged: 2, problems: [] })
  })
})

describe('a source that changes while all of it is imported', () => {
  test('files that grow or go away are taken whole, or named in the report', async () => {
    await using fixture = await newTransferFixture({ workers: 2 })
    const { transfer, actor, directory } = fixture
    const source = join(directory, 'source')
    const still: string[] = []
    const logs: string[] = []
    const doomed: string[] = []
    for (let folder = 0; folder < 20; folder++) {
      mkdirSync(join(source, `d${folder}`), { recursive: true })
      for (let index = 0; index < 40; index++) {
        const list = index % 10 === 9 ? doomed : still
        list.push(`d${folder}/f${index}`)
        writeFileSync(join(source, `d${folder}/f${index}`), endless(0, 100 + index * 300))
      }
      logs.push(`d${folder}/log`)
      writeFileSync(join(source, `d${folder}/log`), endless(0, folder % 2 === 0 ? 5000 : 2_000_000))
    }
    const sizes = new Map(logs.map((log) => [log, readFileSync(join(source, log)).length]))
    let goneCount = 0
    const restless = setInterval(() => {
      for (const log of logs) {
        const size = sizes.get(log) ?? 0
        appendFileSync(join(source, log), endless(size, size + 1000))
        sizes.set(log, size + 1000)
      }
      const gone = doomed[doomed.length - ++goneCount]
      if (gone !== undefined) unlinkSync(join(source, gone))
    }, 1)
    const report = await transfer
      .importTree(actor, source, '/restless')
      .finally(() => clearInterval(restless))
    const named = new Set(report.problems.map(({ path }) => path.slice(source.length + 1)))
    expect(report.problems.every(({ code }) => /ERR_ENTRY_(CHANGED|UNREADABLE)/.test(code))).toBe(true)
    const out = join(directory, 'out')
    expect((await transfer.exportTree(actor, '/restless', out)).problems).toEqual([])
    for (const path of still) expect(readFileSync(join(out, path))).toEqual(readFileSync(join(source, path)))
    for (const path of [...logs, ...doomed]) {
      if (existsSync(join(out, path))) {
        const content = readFileSync(join(out, path))
        expect(content.equals(endless(0, content.length)), path).toBe(true)
        expect(named.has(path), path).toBe(false)
      } else expect(named.has(path) || !existsSync(join(source, path)), path).toBe(true)
    }
    const taken = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('/'))
    expect(taken.length).toBe(report.files)
    const again = await transfer.importTree(actor, source, '/restless')
    expect(again.problems).toEqual([])
  }, 60_000)
})
