/** Policies of directories at the command line: set, shown, carried along, refused. */
import { describe, expect, test } from 'vitest'
import { type Workplace, workplace } from './running-node.ts'

async function shown(place: Workplace, path: string): Promise<string> {
  const { code, stdout, stderr } = await place.run(['policy', 'show', path])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

describe('policy', () => {
  test('holds below the directory that says it, through renames and restarts, until it is taken away', async () => {
    await using place = await workplace()
    const node = await place.start()
    await place.run(['mkdir', '-p', '/photos/2026'])
    expect(await shown(place, '/photos')).toBe('all (no directory says otherwise)')
    expect((await place.run(['policy', 'set', '/photos', 'copies', '2'])).stdout.trim()).toBe(
      'copies 2 (said by /photos)'
    )
    await place.run(['policy', 'set', '/photos/2026', 'on-demand'])
    expect(await shown(place, '/photos/2026')).toBe('on-demand (said by /photos/2026)')
    await place.run(['mv', '/photos/2026', '/photos/old'])
    expect(await shown(place, '/photos/old')).toBe('on-demand (said by /photos/old)')
    await node.stop()
    await place.start()
    await place.run(['policy', 'set', '/photos/old', 'inherit'])
    const { stdout } = await place.run(['policy', 'show', '/photos/old', '--json'])
    expect(JSON.parse(stdout)).toEqual({ policy: 'copies', copies: 2, from: '/photos' })
    expect((await place.run(['ls', '/photos'])).stdout).toContain('old')
  }, 60_000)

  test('refuses what is no policy, no directory, or nowhere', async () => {
    await using place = await workplace()
    await place.start()
    await place.run(['put', '-', '/file'], { input: 'x' })
    for (const words of [['twice'], ['copies'], ['copies', '0'], ['copies', '300'], ['all', '2']])
      expect((await place.run(['policy', 'set', '/', ...words])).stderr).toContain('ERR_ARGUMENT_VALUE')
    expect((await place.run(['policy', 'set', '/file', 'all'])).stderr).toContain('ERR_FILE_NOT_DIRECTORY')
    expect((await place.run(['policy', 'set', '/nowhere', 'all'])).stderr).toContain('ERR_FILE_NOT_FOUND')
  }, 60_000)
})
