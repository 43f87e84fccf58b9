import { describe, expect, test } from 'vitest'
import { AppLog } from '../../src/apps/app-log.ts'

function fill(log: AppLog, source: 'app' | 'host', count: number, message: string = source): void {
  for (let index = 0; index < count; index++) {
    log.add({ app: 'notes', level: 'info', message: `${message} ${index}`, source })
  }
}

describe('AppLog', () => {
  test('gives the newest lines of app and node in their order', () => {
    const log = new AppLog(() => 7)
    fill(log, 'app', 2)
    fill(log, 'host', 1)
    fill(log, 'app', 1)
    expect(log.recent('notes', 10).map(({ message }) => message)).toEqual([
      'app 0',
      'app 1',
      'host 0',
      'app 0'
    ])
    expect(log.recent('notes', 2).map(({ message }) => message)).toEqual(['host 0', 'app 0'])
    expect(log.recent('other', 10)).toEqual([])
  })

  test('a flood of one app hides neither what the node says of it nor another app', () => {
    const log = new AppLog(() => 7)
    fill(log, 'host', 3)
    log.add({ app: 'files', level: 'info', message: 'hello', source: 'app' })
    fill(log, 'app', 5000)
    for (const limit of [10, 100, 500]) {
      const lines = log.recent('notes', limit)
      expect(lines).toHaveLength(limit)
      expect(lines.filter(({ source }) => source === 'host')).toHaveLength(3)
    }
    expect(log.recent('files', 10)).toHaveLength(1)
  })

  test('keeps a bounded number of lines and characters', () => {
    const log = new AppLog(() => 7)
    fill(log, 'app', 600)
    fill(log, 'host', 600)
    expect(log.recent('notes', 5000)).toHaveLength(1000)
    fill(log, 'app', 600, 'x'.repeat(8192))
    const characters = log.recent('notes', 5000).reduce((sum, { message }) => sum + message.length, 0)
    expect(characters).toBeLessThan(600_000)
  })

  test('tells followers every line until they end, and forgets an app that is gone', () => {
    const log = new AppLog(() => 7)
    const seen: string[] = []
    const end = log.follow(({ message }) => void seen.push(message))
    fill(log, 'app', 2)
    end()
    fill(log, 'app', 2)
    expect(seen).toEqual(['app 0', 'app 1'])
    log.forget('notes')
    expect(log.recent('notes', 10)).toEqual([])
  })
})
