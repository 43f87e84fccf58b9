/**
 * Frames of a bundle: records, zone births and sealed sectors in one stream that can be carried on a stick or sent by
 * any means (doc/spec/15-bundles.md). Nothing in it is encrypted again: records are public to hosts, contents are sealed
 * already. A running digest tells a stream that was cut off or damaged from a whole one.
 */
import {
  CanonicalReader,
  CanonicalWriter,
  CodecError,
  FrameParser,
  delimitFrame,
  equalBytes
} from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Id } from '@blocktree/tree'
import { FilesError } from '../files-error.ts'

export type BundleFrame =
  | { readonly kind: 'birth'; readonly bytes: Uint8Array }
  | { readonly kind: 'record'; readonly bytes: Uint8Array; readonly inline: Uint8Array | undefined }
  | { readonly kind: 'sector'; readonly reference: Id; readonly bytes: Uint8Array }

export interface BundleCounts {
  readonly records: number
  readonly sectors: number
}

const magic = 'blocktree-bundle'
const format = 1
const code = { start: 0, birth: 1, record: 2, sector: 3, end: 4 } as const
const birthBytesMax = 256
const recordBytesMax = 256 * 1024
const inlineBytesMax = 4096 + 16
const sectorBytesMax = (1 << 20) + 64
const frameBytesMax = sectorBytesMax + 256

export class BundleEncoder {
  readonly #crypto: CryptoProvider
  #digest: Uint8Array = new Uint8Array(32)
  #records = 0
  #sectors = 0

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  get counts(): BundleCounts {
    return { records: this.#records, sectors: this.#sectors }
  }

  start(tree: Id): Uint8Array {
    return this.#frame(new CanonicalWriter(96).array(4).uint(code.start).str(magic).uint(format).bin(tree))
  }

  frame(frame: BundleFrame): Uint8Array {
    switch (frame.kind) {
      case 'birth':
        return this.#frame(new CanonicalWriter(256).array(2).uint(code.birth).bin(frame.bytes))
      case 'record': {
        this.#records++
        const writer = new CanonicalWriter(frame.bytes.length + 64)
          .array(3)
          .uint(code.record)
          .bin(frame.bytes)
        return this.#frame(writer.optional(frame.inline, (inline) => writer.bin(inline)))
      }
      case 'sector': {
        this.#sectors++
        const writer = new CanonicalWriter(frame.bytes.length + 64).array(3).uint(code.sector)
        return this.#frame(writer.bin(frame.reference).bin(frame.bytes))
      }
    }
  }

  end(): Uint8Array {
    const writer = new CanonicalWriter(96).array(4).uint(code.end).uint(this.#records).uint(this.#sectors)
    return delimitFrame(writer.bin(this.#digest).finish())
  }

  #frame(writer: CanonicalWriter): Uint8Array {
    const body = writer.finish()
    this.#digest = this.#crypto.sha256Parts([this.#digest, body])
    return delimitFrame(body)
  }
}

/** Strict: every frame in its place, in its only spelling. Memory is one frame. */
export class BundleDecoder {
  readonly #crypto: CryptoProvider
  readonly #parser = new FrameParser(frameBytesMax)
  #digest: Uint8Array = new Uint8Array(32)
  #tree: Id | undefined
  #records = 0
  #sectors = 0
  #isEnded = false

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** The tree of the bundle; undefined before its first frame. */
  get tree(): Id | undefined {
    return this.#tree
  }

  /** Frames that `chunk` completes. @throws ERR_BUNDLE_FORMAT */
  push(chunk: Uint8Array): readonly BundleFrame[] {
    return decoding(() => this.#parser.push(chunk.slice()).flatMap((body) => this.#take(body) ?? []))
  }

  /** @throws ERR_BUNDLE_FORMAT when the stream is not whole */
  finish(): void {
    decoding(() => this.#parser.end())
    if (!this.#isEnded) throw broken('it is cut off: copy it again')
  }

  #take(body: Uint8Array): BundleFrame | undefined {
    if (this.#isEnded) throw broken('something follows its end')
    const reader = new CanonicalReader(body)
    const length = reader.array(4, 2)
    const kind = reader.uint(4)
    if ((this.#tree === undefined) !== (kind === code.start)) throw broken('it does not begin as a bundle')
    if (kind === code.end) return this.#takeEnd(reader, length)
    this.#digest = this.#crypto.sha256Parts([this.#digest, body])
    const frame = this.#read(kind, reader, length)
    reader.end()
    return frame
  }

  #read(kind: number, reader: CanonicalReader, length: number): BundleFrame | undefined {
    if (length !== (kind === code.start ? 4 : kind === code.birth ? 2 : 3))
      throw broken(`a frame has ${length} fields`)
    switch (kind) {
      case code.start: {
        if (reader.str(32) !== magic) throw broken('it does not begin as a bundle')
        const version = reader.uint(255)
        if (version !== format) throw broken(`it has format ${version}: a later version is needed to read it`)
        this.#tree = reader.binExact(32)
        return undefined
      }
      case code.birth:
        return { kind: 'birth', bytes: reader.bin(birthBytesMax, 1) }
      case code.record:
        this.#records++
        return {
          kind: 'record',
          bytes: reader.bin(recordBytesMax, 1),
          inline: reader.optional(() => reader.bin(inlineBytesMax, 1))
        }
      default:
        this.#sectors++
        return { kind: 'sector', reference: reader.binExact(32), bytes: reader.bin(sectorBytesMax, 1) }
    }
  }

  #takeEnd(reader: CanonicalReader, length: number): undefined {
    if (length !== 4) throw broken(`its last frame has ${length} fields`)
    const records = reader.uint()
    const sectors = reader.uint()
    const digest = reader.binExact(32)
    reader.end()
    if (records !== this.#records || sectors !== this.#sectors || !equalBytes(digest, this.#digest)) {
      throw broken('its content is not what it was made with: copy it again')
    }
    this.#isEnded = true
    return undefined
  }
}

function decoding<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof CodecError) throw broken(cause.message, cause)
    throw cause
  }
}

function broken(reason: string, cause?: unknown): FilesError {
  return new FilesError('ERR_BUNDLE_FORMAT', `the bundle cannot be read: ${reason}`, { cause })
}
