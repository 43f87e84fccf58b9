/** Steps: a real directory goes in, is listed, and comes back out; every hash is compared. */
import { join } from 'node:path'
import type { Progress } from '@blocktree/rpc'
import { compareDigests, digestDirectory, type DirectoryDigest } from './directory-digest.ts'
import { count, duration, many, size } from './narrator.ts'
import { timed, type Tour } from './tour.ts'

const place = '/real-files'

export interface Imported {
  /** What the directory held right before the import. */
  readonly expected: DirectoryDigest
  /** Names below the place of the import, as the import counted them. */
  readonly names: number
}

export async function importDirectory({ narrator, node, source }: Tour): Promise<Imported> {
  narrator.step('Put a real directory in')
  narrator.busy('reading the directory once, to know its hashes')
  const expected = digestDirectory(source)
  narrator.busy('importing')
  const { result, ms } = await timed(() =>
    node.client.call(
      'transfer.import',
      { source, destination: place },
      { onProgress: (progress) => narrator.busy(`importing: ${describeProgress(progress)}`) }
    )
  )
  const [problem] = result.problems
  const { files, directories, symlinks, bytes } = result
  narrator.say(`${source} is now at ${place}: every file sealed and signed, on the disk to stay.`)
  narrator.hold(
    problem === undefined,
    problem === undefined
      ? `${many(files, 'file')}, ${many(directories, 'directory', 'directories')}, ${many(symlinks, 'link')}, ${size(bytes)} in ${duration(ms)}`
      : `"${problem.path}" could not be taken: ${problem.code}, ${problem.reason}`
  )
  narrator.figure(
    'import',
    `${size((bytes * 1000) / ms)}/s, ${count(Math.round((files * 1000) / ms))} files/s`
  )
  return { expected, names: files + symlinks + directories - 1 } // the place itself is one of the directories
}

function describeProgress({ done, total, unit }: Progress): string {
  const amount = unit === 'bytes' ? size(done) : `${count(done)} ${unit ?? ''}`.trim()
  return total === undefined || total === 0 ? amount : `${amount}, ${Math.floor((done * 100) / total)} %`
}

export async function listDirectory({ narrator, node }: Tour, { names: expected }: Imported): Promise<void> {
  narrator.step('List it')
  const { result: entries, ms } = await timed(() => countEntries(node, narrator))
  const page = await node.call('file.list', { path: place, order: 'name', limit: 4 })
  const names = page.entries.map(({ name, kind }) => (kind === 'directory' ? `${name}/` : name))
  narrator.say(`${place} begins with ${names.join(', ')} … (${many(page.total, 'entry', 'entries')})`)
  narrator.hold(
    entries === expected,
    `${count(entries)} of ${count(expected)} names found by walking all directories, in ${duration(ms)}`
  )
  narrator.figure('listing', `${count(Math.round((entries * 1000) / ms))} entries/s`)
}

async function countEntries(node: Tour['node'], narrator: Tour['narrator']): Promise<number> {
  const queue = [place]
  let entries = 0
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    let cursor: string | undefined
    do {
      const page = await node.call('file.list', {
        path,
        limit: 1000,
        ...(cursor !== undefined && { cursor })
      })
      entries += page.entries.length
      queue.push(...page.entries.filter(({ kind }) => kind === 'directory').map((entry) => entry.path))
      cursor = page.cursor
    } while (cursor !== undefined)
    narrator.busy(`listing: ${count(entries)} entries`)
  }
  return entries
}

export async function exportAndCompare(tour: Tour, { expected }: Imported): Promise<void> {
  const { narrator, node, harness, source } = tour
  narrator.step('Read everything back and compare')
  const destination = join(harness.directory, 'read-back')
  const { result, ms } = await timed(() =>
    node.client.call(
      'transfer.export',
      { source: place, destination },
      { onProgress: (progress) => narrator.busy(`exporting: ${describeProgress(progress)}`) }
    )
  )
  narrator.busy('comparing every hash')
  const actual = digestDirectory(destination)
  const { differences, changed } = withoutChanges(expected, actual, source)
  const [first] = differences
  narrator.say(`Written to ${destination} in ${duration(ms)}; every sector was verified on the way.`)
  if (changed > 0)
    narrator.say(
      `Changed by others while the tour ran, and not counted: ${many(changed, 'entry', 'entries')}.`
    )
  narrator.hold(
    first === undefined,
    first === undefined
      ? `SHA-256 of ${many(actual.files, 'file')}, ${many(actual.links, 'link')} and all directories are the same`
      : `${differences.length} entries came back wrong, the first: "${first.path}" is ${first.kind}`
  )
  narrator.figure(
    'export',
    `${size((result.bytes * 1000) / ms)}/s, ${count(Math.round((result.files * 1000) / ms))} files/s`
  )
}

/** Caches below node_modules live: what is not now as it was before the import says nothing about the node. */
function withoutChanges(
  expected: DirectoryDigest,
  actual: DirectoryDigest,
  source: string
): { readonly differences: ReturnType<typeof compareDigests>; readonly changed: number } {
  const differences = compareDigests(expected, actual)
  if (differences.length === 0) return { differences, changed: 0 }
  const changes = new Set(compareDigests(expected, digestDirectory(source)).map(({ path }) => path))
  const remaining = differences.filter(({ path }) => !changes.has(path))
  return { differences: remaining, changed: differences.length - remaining.length }
}
