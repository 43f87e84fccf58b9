/**
 * Where bundles lie: each build that differs has a folder of its own, named by its content, and `bin.js` beside them
 * leads to the newest one. A running node loads chunks and starts threads days after its start, so a build never
 * touches the folder of another; the last few stay.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'

const buildsKept = 12 // some 50 MiB; only as many builds that differ can take the ground from under a running node
const leftoverMs = 3_600_000 // no build takes an hour
const namePattern = /^build-[0-9a-f]{16}$/
const stagingPrefix = '.new-'

/** An empty folder to build into. */
export function stageBundle(directory: string): string {
  const staged = join(directory, stagingPrefix + randomUUID())
  mkdirSync(staged, { recursive: true })
  return staged
}

/** Puts what was built in its place and makes it the one that starts. @returns the name of its folder */
export function publishBundle(directory: string, staged: string, now: Date = new Date()): string {
  const name = `build-${digestOf(staged)}`
  const target = join(directory, name)
  try {
    if (existsSync(target)) rmSync(staged, { recursive: true })
    else renameSync(staged, target)
  } catch (error) {
    if (!existsSync(target)) throw error // another build of the same was faster
  }
  utimesSync(target, now, now)
  const entry = join(directory, 'bin.js')
  const unfinished = join(directory, `${stagingPrefix}${randomUUID()}.js`)
  writeFileSync(unfinished, `import './${name}/bin.js'\n`)
  renameSync(unfinished, entry)
  removeOld(directory, name)
  return name
}

/** Of everything that runs, so not of source maps. */
function digestOf(folder: string): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.c?js$/.test(file)) continue
    hash.update(`${file}\0`).update(readFileSync(join(folder, file)))
  }
  return hash.digest('hex').slice(0, 16)
}

function removeOld(directory: string, current: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    const isLeft = name.startsWith(stagingPrefix) && Date.now() - statSync(path).mtimeMs > leftoverMs
    if (isLeft) rmSync(path, { recursive: true, force: true }) // of a build that was killed
  }
  const builds = readdirSync(directory)
    .filter((name) => namePattern.test(name) && name !== current)
    .map((name) => ({ name, builtMs: statSync(join(directory, name)).mtimeMs }))
    .sort((left, right) => right.builtMs - left.builtMs)
  for (const { name } of builds.slice(buildsKept - 1))
    rmSync(join(directory, name), { recursive: true, force: true })
}
