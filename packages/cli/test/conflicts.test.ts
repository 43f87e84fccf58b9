import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Workplace, workplace } from './running-node.ts'

interface Member {
  readonly principal: string
  readonly addresses: readonly string[]
}

interface Listed {
  readonly path?: string
  readonly id: string
  readonly isShown: boolean
  readonly heads: readonly string[]
  readonly labels: readonly string[]
}

async function put(place: Workplace, path: string, text: string, ...more: readonly string[]): Promise<void> {
  writeFileSync(join(place.path, 'content'), text)
  expect(await place.run(['put', 'content', path, ...more])).toMatchObject({ code: 0 })
}

async function conflictsOf(place: Workplace): Promise<readonly Listed[]> {
  const { stdout } = await place.run(['conflicts', '--json'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Listed) // what the test asks for, it compares
}

/** Asks until there are so many. */
async function untilConflicts(place: Workplace, count: number): Promise<readonly Listed[]> {
  const endMs = Date.now() + 60_000
  for (;;) {
    const found = await conflictsOf(place)
    if (found.length === count || Date.now() > endMs) return found
    await sleep(100)
  }
}

describe('conflicts', () => {
  test('of two nodes are listed, shown and resolved, also in what was removed for good', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    const first = await owner.start()
    await owner.run(['mkdir', '/d'])
    const { stdout } = await owner.run(['node', 'invite', '--approved', '--json'])
    const { code } = JSON.parse(stdout) as { code: string } // as `node invite` prints it
    expect((await box.run(['node', 'join', code])).code).toBe(0)
    const second = await box.start()
    await put(owner, '/d/file', 'before')
    await put(owner, '/d/gone', 'before')
    await put(owner, '/d/end', 'before', '--wait', 'all') // what came before it is there too
    expect((await box.run(['cat', '/d/gone'])).stdout).toBe('before')

    await first.stop()
    await put(box, '/d/file', 'as the box has it')
    await put(box, '/d/gone', 'edited while away')
    await second.stop()
    await owner.start()
    await put(owner, '/d/file', 'as the owner has it')
    await owner.run(['rm', '/d/gone'])
    for (let round = 0; round < 3; round++) {
      await put(owner, `/d/round-${round}`, 'so that there is something new')
      const pruned = await owner.run(['prune', '/d', '--older-than', '0', '--force'])
      expect(pruned).toMatchObject({ code: 0 })
    }
    await box.start()
    // both are at other ports than before: one has to be told
    const [self] = JSON.parse((await owner.run(['node', 'list', '--json'])).stdout) as readonly Member[]
    const [address = ''] = self?.addresses ?? []
    expect(await box.run(['node', 'address', 'add', self?.principal ?? '', address])).toMatchObject({
      code: 0
    })

    const found = await untilConflicts(owner, 2)
    const shown = found.find(({ isShown }) => isShown)
    const hidden = found.find(({ isShown }) => !isShown)
    expect(shown).toMatchObject({ path: '/d/file' })
    expect(shown?.labels).toEqual(['late'])
    expect(hidden).toMatchObject({ path: '/d/gone', labels: ['late'] })
    expect((await owner.run(['conflicts'])).stdout).toContain(`not shown: ${hidden?.id}`)
    expect((await owner.run(['doctor'])).stdout).toContain('blocktree conflicts')

    const both = await owner.run(['conflicts', 'show', '/d/file'])
    expect(both.stdout).toMatch(/ winner [^]* late |late [^]* winner /)
    expect((await owner.run(['conflicts', 'show', '/d/end'])).stderr).toContain('ERR_ARGUMENT_VALUE')
    expect((await owner.run(['resolve', '/d/end'])).stderr).toContain('ERR_CONFLICT_NONE')
    const resolved = await owner.run(['resolve', '/d/file', '--drop', '--wait', 'all'])
    expect(resolved).toMatchObject({ code: 0, stdout: '/d/file has one version again\n' })

    const id = hidden?.id ?? ''
    const [version = ''] = hidden?.heads ?? []
    expect((await owner.run(['conflicts', 'show', id])).stdout).toContain(version)
    expect((await owner.run(['resolve', id])).stderr).toContain('ERR_CONFLICT_UNDECIDED')
    const back = await owner.run(['resolve', id, '--keep', version, '--to', '/d/back', '--wait', 'all'])
    expect(back).toMatchObject({ code: 0, stdout: '/d/back is back as a new file\n' })
    expect((await box.run(['cat', '/d/back'])).stdout).toBe('edited while away')
    expect(await untilConflicts(owner, 0)).toEqual([])
    expect(await untilConflicts(box, 0)).toEqual([])
    expect((await owner.run(['resolve', id, '--drop'])).stderr).toContain('ERR_ARGUMENT_VALUE')
  })
})

describe('sync resume', () => {
  test('is said as an option, and does nothing on a node that did not go back', async () => {
    await using place = await workplace()
    await place.start()
    const asked = await place.run(['sync', 'resume'])
    expect(asked.code).not.toBe(0)
    expect(asked.stderr).toContain('ERR_CONFIRMATION_ABSENT')
    expect((await place.run(['sync', 'resume', '--yes', '--json'])).stdout).toBe('{"resumed":0}\n')
    expect((await place.run(['sync', 'resume', '--yes'])).stdout).toMatch(/nothing|no /i)
  })
})
