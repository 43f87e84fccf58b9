/** Random operations against a plain file system in memory: the same outcome each time, the same tree at the end. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Actor, Files } from '../src/index.ts'
import { newFixture } from './files-fixture.ts'

interface ModelDirectory {
  readonly kind: 'directory'
  readonly children: Map<string, ModelNode>
}
interface ModelFile {
  readonly kind: 'file'
  bytes: Uint8Array
}
type ModelNode = ModelDirectory | ModelFile

type Operation =
  | {
      readonly op: 'mkdir' | 'create' | 'replace' | 'stream' | 'remove' | 'removeAll'
      readonly path: string
      readonly bytes: Uint8Array
    }
  | {
      readonly op: 'write' | 'append' | 'truncate'
      readonly path: string
      readonly offset: number
      readonly bytes: Uint8Array
    }
  | { readonly op: 'move' | 'moveOver' | 'copy'; readonly path: string; readonly target: string }

/** A file system that is too simple to be wrong. Operations throw when they cannot be done. */
class Model {
  readonly root: ModelDirectory = { kind: 'directory', children: new Map() }

  find(path: string): ModelNode | undefined {
    let at: ModelNode | undefined = this.root
    for (const name of path.split('/').filter((part) => part !== '')) {
      at = at?.kind === 'directory' ? at.children.get(name) : undefined
    }
    return at
  }

  apply(operation: Operation): void {
    const { directory, name } = this.#split(operation.path)
    const node = directory.children.get(name)
    switch (operation.op) {
      case 'mkdir':
        must(node === undefined)
        directory.children.set(name, { kind: 'directory', children: new Map() })
        return
      case 'create':
        must(node === undefined)
        directory.children.set(name, { kind: 'file', bytes: operation.bytes })
        return
      case 'replace':
      case 'stream':
        must(node?.kind !== 'directory')
        directory.children.set(name, { kind: 'file', bytes: operation.bytes })
        return
      case 'remove':
      case 'removeAll':
        must(node !== undefined)
        must(node.kind === 'file' || node.children.size === 0 || operation.op === 'removeAll')
        directory.children.delete(name)
        return
      case 'write': {
        must(node?.kind === 'file')
        const size = Math.max(
          node.bytes.length,
          operation.bytes.length === 0 ? 0 : operation.offset + operation.bytes.length
        )
        node.bytes = resized(node.bytes, size)
        if (operation.bytes.length > 0) node.bytes.set(operation.bytes, operation.offset)
        return
      }
      case 'append':
        must(node?.kind === 'file')
        node.bytes = new Uint8Array([...node.bytes, ...operation.bytes])
        return
      case 'truncate':
        must(node?.kind === 'file')
        node.bytes = resized(node.bytes, operation.offset)
        return
      case 'move':
      case 'moveOver':
      case 'copy':
        this.#transfer(operation.op, operation.path, operation.target, node)
    }
  }

  #transfer(
    op: 'move' | 'moveOver' | 'copy',
    path: string,
    targetPath: string,
    node: ModelNode | undefined
  ): void {
    must(node !== undefined)
    const target = this.#split(targetPath)
    const existing = target.directory.children.get(target.name)
    if (existing === node) {
      must(op !== 'copy')
      return
    }
    must(!`${targetPath}/`.startsWith(`${path}/`))
    if (existing !== undefined) {
      must(op === 'moveOver' && existing.kind === node.kind)
      must(existing.kind === 'file' || existing.children.size === 0)
    }
    if (op !== 'copy') {
      const source = this.#split(path)
      source.directory.children.delete(source.name)
    }
    target.directory.children.set(target.name, op === 'copy' ? cloned(node) : node)
  }

  #split(path: string): { directory: ModelDirectory; name: string } {
    const slash = path.lastIndexOf('/')
    const directory = this.find(path.slice(0, slash))
    must(directory?.kind === 'directory')
    return { directory, name: path.slice(slash + 1) }
  }
}

function must(condition: boolean): asserts condition {
  if (!condition) throw new Error('refused')
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size)
  result.set(bytes.subarray(0, size))
  return result
}

function cloned(node: ModelNode): ModelNode {
  if (node.kind === 'file') return { kind: 'file', bytes: node.bytes.slice() }
  return {
    kind: 'directory',
    children: new Map([...node.children].map(([name, child]) => [name, cloned(child)]))
  }
}

async function perform(files: Files, actor: Actor, operation: Operation): Promise<void> {
  const { path } = operation
  switch (operation.op) {
    case 'mkdir':
      await files.makeDirectory(actor, path)
      return
    case 'create':
      await files.create(actor, path, operation.bytes)
      return
    case 'replace':
      await files.create(actor, path, operation.bytes, { replace: true })
      return
    case 'stream':
      await files.writeStream(actor, path, [operation.bytes.subarray(0, 3), operation.bytes.subarray(3)])
      return
    case 'remove':
      await files.remove(actor, path)
      return
    case 'removeAll':
      await files.remove(actor, path, { recursive: true })
      return
    case 'write':
      await files.write(actor, path, operation.offset, operation.bytes)
      return
    case 'append':
      await files.append(actor, path, operation.bytes)
      return
    case 'truncate':
      await files.truncate(actor, path, operation.offset)
      return
    case 'move':
      await files.move(actor, path, operation.target)
      return
    case 'moveOver':
      await files.move(actor, path, operation.target, { replace: true })
      return
    case 'copy':
      await files.copy(actor, path, operation.target)
  }
}

/** Listing, content, size and block ids of the whole tree, compared with the model. */
async function compare(files: Files, actor: Actor, model: ModelDirectory, path: string): Promise<void> {
  const page = await files.list(actor, path === '' ? '/' : path, { order: 'name' })
  expect(page.entries.map((entry) => entry.name).toSorted(), path).toEqual(
    [...model.children.keys()].toSorted()
  )
  expect(page.total).toBe(model.children.size)
  for (const entry of page.entries) {
    const child = model.children.get(entry.name)
    const childPath = `${path}/${entry.name}`
    expect(entry.kind, childPath).toBe(child?.kind)
    expect(files.pathOf(actor, entry.block)).toBe(childPath)
    if (child?.kind === 'directory') await compare(files, actor, child, childPath)
    else if (child !== undefined) {
      expect(Buffer.from(files.read(actor, childPath).bytes).equals(child.bytes), childPath).toBe(true)
      expect(entry.size).toBe(child.bytes.length)
    }
  }
}

const name = fc.constantFrom('a', 'a', 'b', 'é 🎈', 'x'.repeat(255))
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`)
const content = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 0, max: 20_000 }).map((size) => new Uint8Array(size).fill(size))
)
const offset = fc.oneof(fc.nat(50), fc.nat(20_000))
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom('mkdir', 'create', 'replace', 'stream', 'remove', 'removeAll'),
      path,
      bytes: content
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom('write', 'append', 'truncate'), path, offset, bytes: content })
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('move', 'moveOver', 'copy'), path, target: path }) }
)
const numRuns = process.env['SLOW'] === undefined ? 120 : 3000

describe('file operations', () => {
  test('do what a plain file system does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 60 }), async (operations) => {
        const { files, actor } = await newFixture({ limits: { sectorLog2: 12 } })
        const model = new Model()
        for (const name of ['a', 'b']) {
          const first: Operation = { op: 'mkdir', path: `/${name}`, bytes: new Uint8Array(0) }
          model.apply(first)
          await perform(files, actor, first)
        }
        for (const each of operations) {
          const expected = outcome(() => model.apply(each))
          const got = await perform(files, actor, each).then(
            () => 'done',
            (error: unknown) => {
              if (error instanceof Error && error.name === 'FilesError') return 'refused'
              throw error
            }
          )
          expect(got, JSON.stringify({ ...each, bytes: undefined })).toBe(expected)
        }
        await compare(files, actor, model.root, '')
        expect(await files.jobs()).toEqual([])
        expect(await files.conflicts(actor)).toEqual([])
      }),
      { numRuns }
    )
  })

  test('random writes leave the bytes that a buffer would hold', async () => {
    const change = fc.oneof(
      fc.record({ op: fc.constant('write' as const), offset: fc.nat(40_000), bytes: content }),
      fc.record({ op: fc.constant('truncate' as const), offset: fc.nat(60_000), bytes: content }),
      fc.record({ op: fc.constant('append' as const), offset, bytes: content })
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 25 }),
        fc.boolean(),
        async (changes, isPublic) => {
          const { files, actor } = await newFixture({ public: isPublic, limits: { sectorLog2: 12 } })
          const model = new Model()
          for (const each of [{ op: 'create' as const, bytes: new Uint8Array(0) }, ...changes]) {
            const next = { ...each, path: '/f' } as Operation
            model.apply(next)
            await perform(files, actor, next)
            const node = model.find('/f')
            if (node?.kind !== 'file') throw new Error('a file')
            const read: Uint8Array[] = []
            for await (const chunk of files.readStream(actor, '/f')) read.push(chunk)
            expect(Buffer.concat(read).equals(node.bytes)).toBe(true)
            const part = files.read(actor, '/f', { offset: 4090, length: 4200 }).bytes
            expect(Buffer.from(part).equals(node.bytes.subarray(4090, 8290))).toBe(true)
          }
        }
      ),
      { numRuns: Math.ceil(numRuns / 2) }
    )
  })

  test('no text makes them fail with anything but their own error', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d')
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webPath(),
          fc.string().map((text) => `/d/${text}`)
        ),
        async (text) => {
          for (const call of [
            async () => files.stat(actor, text),
            () => files.list(actor, text, { cursor: text }),
            () => files.create(actor, text, new Uint8Array(1)),
            () => files.move(actor, text, text),
            async () => files.watch(actor, '/d', { after: text })
          ]) {
            await call().catch((error: unknown) => expect(error).toHaveProperty('name', 'FilesError'))
          }
        }
      ),
      { numRuns: 200 }
    )
  })
})

function outcome(call: () => void): 'done' | 'refused' {
  try {
    call()
    return 'done'
  } catch {
    return 'refused'
  }
}
