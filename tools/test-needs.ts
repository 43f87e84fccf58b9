/**
 * What some tests need beyond Node and the packages of npm. A test that is skipped says it in its name, as `needs chromium
 * and lld`, in the words of this list; `.ci/run` fails for what was skipped although it can be had (tools/test-report.ts).
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Need {
  /** As it stands in the names of tests, behind the word "needs". */
  readonly name: string
  /** Why its tests may be skipped where it is absent; undefined for what has to be there. */
  readonly mayBeAbsent?: string
}

/** What `tools/setup-extras` does not bring: it is part of the machine, or nobody can install it. */
const needsOfMachine: readonly Need[] = [
  { name: 'root' },
  { name: 'setpriv' },
  { name: 'script' },
  { name: 'unshare' },
  { name: 'network namespaces' },
  { name: 'Linux' },
  { name: 'python3' },
  { name: 'rustc with the target wasm32-unknown-unknown' },
  { name: 'npm package assemblyscript' },
  { name: 'npm package wabt' },
  { name: 'npm package @chainsafe/libp2p-quic' },
  { name: 'eris-go', mayBeAbsent: 'no package has it, and its modules are not mirrored' },
  { name: 'node below 26', mayBeAbsent: 'a machine with a current Node has no older one' },
  { name: 'the same clang', mayBeAbsent: 'a distribution has one version of it' },
  { name: 'free memory', mayBeAbsent: 'other programs may have taken it' }
]

/** @returns the needs that a test states in its name; of names within longer ones the longer */
export function needsIn(testName: string, needs: readonly Need[]): readonly Need[] {
  const at = testName.lastIndexOf('needs ')
  if (at < 0) return []
  let rest = testName.slice(at)
  const found: Need[] = []
  for (const need of needs.toSorted((left, right) => right.name.length - left.name.length)) {
    const word = new RegExp(`(?<![\\w-])${RegExp.escape(need.name)}(?![\\w-])`, 'u')
    if (!word.test(rest)) continue
    rest = rest.replace(word, '')
    found.push(need)
  }
  return found
}

/** @param list what `tools/setup-extras --list` printed */
export function needsOfExtras(list: string): readonly Need[] {
  const rows = list.split('\n').map((line) => line.split('\t'))
  return rows
    .filter(([name = '']) => name !== '')
    .map(([name = '', state]) =>
      state === 'unavailable' ? { name, mayBeAbsent: 'this platform has no such package' } : { name }
    )
}

/** Vectors that others published lie beside the repository: where they do, they have to be used. */
function needOfVectors(): Need {
  const name = 'shared/vectors'
  const isThere = existsSync(new URL('../../shared/vectors', import.meta.url))
  return isThere ? { name } : { name, mayBeAbsent: 'they are not part of the repository' }
}

/** All of them, as this machine can have them. */
export function allNeeds(): readonly Need[] {
  const script = fileURLToPath(new URL('setup-extras', import.meta.url))
  const { stdout } = spawnSync(script, ['--list'], { encoding: 'utf8' })
  return [...needsOfExtras(stdout), ...needsOfMachine, needOfVectors()]
}
