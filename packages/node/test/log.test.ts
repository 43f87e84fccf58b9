import { describe, expect, test } from 'vitest'
import { createLog, type LogFormat, type LogLevel } from '../src/log.ts'

function collect(format: LogFormat = 'json', level: LogLevel = 'info') {
  const lines: string[] = []
  const log = createLog({
    level,
    format,
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    write: (line) => void lines.push(line)
  })
  return { log, lines }
}

describe('createLog', () => {
  test('writes one JSON object a line', () => {
    const { log, lines } = collect()
    log.child({ part: 'socket' }).warn('a thing happened', { count: 3, path: '/a', missing: undefined })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        time: '2026-01-02T03:04:05.006Z',
        level: 'warn',
        message: 'a thing happened',
        part: 'socket',
        count: 3,
        path: '/a'
      }
    ])
  })

  test('writes a readable line', () => {
    const { log, lines } = collect('human')
    log.info('node is ready', { path: '/a b', count: 3 })
    expect(lines).toEqual(['03:04:05.006 info  node is ready path="/a b" count=3\n'])
  })

  test('leaves out what is less important than the level', () => {
    const { log, lines } = collect('json', 'warn')
    log.info('no')
    log.error('yes')
    expect(lines).toHaveLength(1)
    expect(log.isEnabled('info')).toBe(false)
    expect(log.isEnabled('error')).toBe(true)
  })

  test('redacts secrets by name, also deep inside', () => {
    const { log, lines } = collect()
    log.info('a call', {
      params: {
        passphrase: 'open sesame',
        file: '/x',
        inner: { signSeed: 'abc', api: { accessToken: 't', key: 'k' } }
      },
      rootKey: 'r',
      publicKey: 'p'
    })
    expect(lines.join('')).not.toMatch(/sesame|abc|"t"|"k"|"r"/)
    expect(lines.join('')).toContain('"publicKey":"p"')
  })

  test('redacts secrets by type: bytes are shown as a length', () => {
    const { log, lines } = collect()
    log.info('bytes', { value: new Uint8Array([1, 2, 3]), list: [new Uint8Array(32), new ArrayBuffer(8)] })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      value: '<3 bytes>',
      list: ['<32 bytes>', '<8 bytes>']
    })
  })

  test('cuts the secrets of access lines and links out of any text', () => {
    const { log, lines } = collect()
    log.info('got blocktree-access:AbCdEf', { error: new Error('bad https://example.org/x#secretpart') })
    expect(lines.join('')).not.toMatch(/AbCdEf|secretpart/)
    expect(lines.join('')).toContain('https://example.org/x#<redacted>')
  })

  test('never throws for odd values', () => {
    const { log, lines } = collect()
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    log.info('odd', {
      cycle,
      odd: new Map(),
      big: 1n,
      not: Number.NaN,
      call: () => 1,
      date: new Date(Number.NaN),
      long: 'x'.repeat(5000)
    })
    expect(lines).toHaveLength(1)
    expect((lines[0] ?? '').length).toBeLessThan(3000)
  })

  test('lets no control character reach the terminal', () => {
    const { log, lines } = collect('human')
    log.info('name \u001b[2J', { name: 'a\nb\u001b]0;x\u0007' })
    expect(lines).toHaveLength(1)
    const codes = [...(lines[0]?.trimEnd() ?? '')].map((character) => character.charCodeAt(0))
    expect(Math.min(...codes)).toBeGreaterThanOrEqual(0x20)
  })

  test('remembers the newest entries, up to a bound', () => {
    const { log } = collect('json', 'debug')
    for (let index = 0; index < 600; index++) log.debug(`entry ${index}`)
    log.error('last')
    expect(log.recent(1000)).toHaveLength(500)
    expect(log.recent(2).map((entry) => entry.message)).toEqual(['entry 599', 'last'])
    expect(log.recent(10, 'warn').map((entry) => entry.message)).toEqual(['last'])
  })
})
