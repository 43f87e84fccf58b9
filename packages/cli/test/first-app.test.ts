/** doc/first-app.md, line by line: its commands in one shell, its files written, what it shows looked for. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface Block {
  readonly language: string
  readonly text: string
}

const page = fileURLToPath(new URL('../../../doc/first-app.md', import.meta.url))
const program = fileURLToPath(new URL('../bin/blocktree.cjs', import.meta.url))
const usualPort = '4780'

function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text
  }))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Each block of commands begins with a line that tells where its output begins. */
function scriptOf(blocks: readonly Block[]): string {
  const lines = ['set -e', `trap 'kill $(jobs -p) 2> /dev/null || true' EXIT`]
  for (const [index, { language, text }] of blocks.entries()) {
    if (language === 'sh') lines.push(`echo "=== ${index}"`, text)
    if (language === 'ts') {
      const name = /^\/\/ (\S+)/.exec(text)?.[1] ?? ''
      lines.push(`cat > ${name} <<'END_OF_FILE'`, text.trimEnd(), 'END_OF_FILE')
    }
  }
  return lines.join('\n')
}

test('every line of "Write your first app" does what it says', async () => {
  const home = mkdtempSync(join(tmpdir(), 'blocktree-first-app-'))
  try {
    const folder = join(home, 'bin')
    mkdirSync(folder)
    symlinkSync(program, join(folder, 'blocktree'))
    const port = String(await freePort())
    const blocks = blocksOf(readFileSync(page, 'utf8').replaceAll(usualPort, port))
    expect(blocks.length).toBeGreaterThan(12)
    const path = [folder, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
    const environment = { PATH: path, HOME: home, BLOCKTREE_APPS_PORT: port }
    const { stdout, stderr, status } = spawnSync('bash', ['-c', scriptOf(blocks)], {
      cwd: home,
      env: environment,
      encoding: 'utf8',
      timeout: 110_000
    })
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const outputs = new Map(
      stdout
        .split(/^=== /m)
        .slice(1)
        .map((part) => [Number.parseInt(part, 10), part])
    )
    for (const [index, { language, text }] of blocks.entries()) {
      if (language !== 'text') continue
      for (const line of text.trimEnd().split('\n')) expect(outputs.get(index - 1), text).toContain(line)
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
