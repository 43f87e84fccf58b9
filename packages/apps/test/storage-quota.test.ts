import { beforeEach, describe, expect, test } from 'vitest'
import type { FilePort } from '../src/ports.ts'
import { limitStorage } from '../src/storage-quota.ts'
import { MemoryFiles } from './memory-ports.ts'

const anything = { expected: { kind: 'anything' }, mediaType: undefined } as const
const noSpace = { failure: 'no-space' }
let files: MemoryFiles
let port: FilePort

beforeEach(() => {
  files = new MemoryFiles(['/own', '/own/deep', '/chosen'])
  files.put('/own/deep/old', new Uint8Array(40))
  port = limitStorage(files, { directory: '/own', bytesMax: 100 })
})

function write(path: string, bytes: number): Promise<Uint8Array> {
  return port.write(path, new Uint8Array(bytes), anything)
}

async function* parts(count: number): AsyncGenerator<Uint8Array, void> {
  for (let part = 0; part < count; part++) yield await Promise.resolve(new Uint8Array(10))
}

describe('limitStorage', () => {
  test('lets an app fill its own directory to the last byte, and no further', async () => {
    await write('/own/a', 60)
    await expect(write('/own/b', 1)).rejects.toMatchObject(noSpace)
    expect(files.has('/own/b')).toBe(false)
  })

  test('ends a stream at the byte that does not fit, and stores nothing of it', async () => {
    await expect(port.write('/own/a', parts(7), anything)).rejects.toMatchObject(noSpace)
    expect(files.has('/own/a')).toBe(false)
    await port.write('/own/a', parts(6), anything)
    await expect(write('/own/b', 1)).rejects.toMatchObject(noSpace)
  })

  test('counts every version that is stored of a file, until the file is removed', async () => {
    await write('/own/a', 30)
    await write('/own/a', 20)
    await expect(write('/own/a', 11)).rejects.toMatchObject(noSpace)
    await write('/own/a', 10)
    const again = limitStorage(files, { directory: '/own', bytesMax: 100 })
    await expect(again.write('/own/b', new Uint8Array(1), anything)).rejects.toMatchObject(noSpace)
    await port.remove('/own/a', { isRecursive: false, expected: { kind: 'anything' } })
    await write('/own/b', 60)
  })

  test('gives room back for what is removed or moved away, and takes it for what is moved in', async () => {
    await write('/own/a', 60)
    await port.remove('/own/deep', { isRecursive: true, expected: { kind: 'anything' } })
    await write('/own/b', 40)
    await port.move('/own/b', '/chosen/b')
    await write('/own/c', 40)
    await expect(port.move('/chosen/b', '/own/b')).rejects.toMatchObject(noSpace)
  })

  test('is not passed by writes at the same time', async () => {
    const paths = Array.from({ length: 20 }, (_, index) => `/own/${index}`)
    const outcomes = await Promise.allSettled(paths.map((path) => write(path, 10)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(6)
    await port.remove('/own/0', { isRecursive: false, expected: { kind: 'anything' } })
    await Promise.allSettled([write('/own/0', 10), write('/own/0', 10)])
    await expect(write('/own/more', 1)).rejects.toMatchObject(noSpace)
  })

  test('does not bound what a person chose', async () => {
    await write('/chosen/a', 1000)
    await write('/own/a', 60)
    expect(files.has('/chosen/a')).toBe(true)
  })
})
