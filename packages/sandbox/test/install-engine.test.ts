import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { enginePins } from '../src/engine-pins.ts'
import { findEngine, installEngine } from '../src/install-engine.ts'
import { SandboxError } from '../src/sandbox-error.ts'
import { readZipEntry } from '../src/zip-entry.ts'
import { temporaryDirectory } from './subject.ts'

const directory = temporaryDirectory()
const library = new TextEncoder().encode('not really a library, but its hash is known '.repeat(20))
const sha256 = createHash('sha256').update(library).digest('hex')
const entry = 'wasmtime/linux-x86_64/_libwasmtime.so'

/** A ZIP archive with one deflated file. */
function makeZip(name: string, content: Uint8Array): Uint8Array {
  const packed = deflateRawSync(content)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(name.length, 26)
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt16LE(8, 10)
  central.writeUInt32LE(packed.length, 20)
  central.writeUInt32LE(content.length, 24)
  central.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(local.length + name.length + packed.length, 16)
  return Buffer.concat([local, Buffer.from(name), packed, central, Buffer.from(name), end])
}

function file(name: string, content: Uint8Array): string {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

describe('installEngine', () => {
  test('takes a library whose hash is as given, and finds it again', async () => {
    const place = join(directory, 'engines')
    const installed = await installEngine({ file: file('a.so', library), directory: place, sha256 })
    expect(readFileSync(installed.library)).toEqual(Buffer.from(library))
    expect(findEngine(place)).toEqual(installed)
  })

  test('takes the library out of a wheel', async () => {
    const wheel = file('a.whl', makeZip(entry, library))
    const installed = await installEngine({
      file: wheel,
      directory: join(directory, 'wheel'),
      sha256,
      platform: 'linux-x64'
    })
    expect(installed.sha256).toBe(sha256)
  })

  test.each(['gz', 'xz'])('takes the library out of a release archive, .tar.%s', async (kind) => {
    const place = join(directory, `release-${kind}`)
    const top = 'wasmtime-v0-x86_64-linux-c-api'
    mkdirSync(join(place, top, 'lib'), { recursive: true })
    writeFileSync(join(place, top, 'lib/libwasmtime.so'), library)
    writeFileSync(join(place, top, 'README.md'), 'not this')
    const archive = join(place, `release.tar.${kind}`)
    execFileSync('tar', ['--create', '--auto-compress', '--file', archive, '--directory', place, top])
    const engines = join(place, 'engines')
    const installed = await installEngine({ file: archive, directory: engines, sha256 })
    expect(readFileSync(installed.library)).toEqual(Buffer.from(library))
    expect(findEngine(engines)).toEqual(installed)
    const other = { file: archive, directory: engines, sha256: '0'.repeat(64) }
    await expect(installEngine(other)).rejects.toMatchObject({ code: 'ERR_SANDBOX_INSTALL' })
  })

  test('refuses a library that is not the pinned one', async () => {
    await expect(
      installEngine({
        file: file('b.so', library),
        directory: join(directory, 'other'),
        platform: 'linux-x64'
      })
    ).rejects.toMatchObject({ code: 'ERR_SANDBOX_INSTALL' })
    expect(findEngine(join(directory, 'other'))).toBeUndefined()
  })

  test('refuses a platform without a pin when no hash is given', async () => {
    await expect(
      installEngine({ file: file('c.so', library), directory, platform: 'plan9-mips' })
    ).rejects.toThrow('no build for plan9-mips is pinned')
  })

  test('refuses a downloaded wheel that is not the pinned one', async () => {
    const wheel = enginePins[0]?.wheel
    const download = async (url: string): Promise<Uint8Array> =>
      url.endsWith('/json')
        ? new TextEncoder().encode(
            JSON.stringify({ urls: [{ filename: wheel, url: 'https://files.example/x' }] })
          )
        : makeZip(entry, library)
    await expect(installEngine({ download, directory, platform: 'linux-x64' })).rejects.toThrow(
      'expected 94f0288f'
    )
  })
})

describe('findEngine', () => {
  test('refuses a library that has changed since', async () => {
    const place = join(directory, 'changed')
    const installed = await installEngine({ file: file('d.so', library), directory: place, sha256 })
    writeFileSync(installed.library, 'something else')
    expect(() => findEngine(place)).toThrow(SandboxError)
  })

  test('refuses another version', async () => {
    const place = join(directory, 'version')
    await installEngine({ file: file('e.so', library), directory: place, sha256 })
    const record = join(place, 'engine.json')
    writeFileSync(record, readFileSync(record, 'utf8').replace('49.0.0', '50.0.0'))
    expect(() => findEngine(place)).toThrow('wasmtime 50.0.0 is installed')
  })
})

describe('readZipEntry', () => {
  test('throws its own error alone, whatever the bytes are', () => {
    const archive = makeZip(entry, library)
    fc.assert(
      fc.property(fc.nat({ max: archive.length - 1 }), fc.nat({ max: 255 }), (place, byte) => {
        const bytes = archive.slice()
        bytes[place] = byte
        try {
          readZipEntry(bytes, () => true, 10_000)
        } catch (error) {
          if (!(error instanceof SandboxError)) throw error
        }
      })
    )
  })

  test('refuses an entry that claims more than allowed', () => {
    expect(() => readZipEntry(makeZip(entry, library), () => true, 10)).toThrow('at most 10')
  })
})
