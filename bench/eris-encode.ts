/**
 * Encodes content of a length as a process of its own and prints what it took: `eris-encode.ts BYTES BLOCK-SIZE KIND`.
 * KIND is `stream`, the key stream that the specification takes as large content, or `pieces`, which makes no garbage.
 */
import { createCipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createBlockWorkers, chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { encodeContent, formatUrn, isBlockSize, nullSecret } from '@blocktree/eris'

const [bytesText = '', sizeText = '', kind = 'stream'] = process.argv.slice(2)
const length = Number(bytesText)
const blockSize = Number(sizeText)
if (!isBlockSize(blockSize)) throw new Error(`block size ${sizeText}`)

const kernel = chooseBlockKernel()
const key = kernel.hash(new TextEncoder().encode('100MiB (block size 1KiB)'))

function* keyStream(): Generator<Uint8Array> {
  const cipher = createCipheriv('chacha20', key, new Uint8Array(16))
  const zeros = new Uint8Array(1 << 18)
  for (let made = 0; made < length; made += zeros.length) {
    yield cipher.update(zeros.subarray(0, Math.min(zeros.length, length - made)))
  }
}

/** One piece, a little different each time. */
function* pieces(): Generator<Uint8Array> {
  const piece = randomBytes(1 << 18)
  for (let made = 0; made < length; made += piece.length) {
    for (let at = 0; at < piece.length; at += 1024) piece.writeUInt32LE(made / 1024 + at, at)
    yield piece
  }
}

const started = performance.now()
await using workers = createBlockWorkers()
const encoded = await encodeContent(
  { kernel, workers, blockSize, secret: nullSecret(), put: async () => {} },
  kind === 'stream' ? keyStream() : pieces()
)
const milliseconds = performance.now() - started
// Not maxRSS of getrusage: a child begins with that of its parent.
const residentKiB = /VmHWM:\s*(\d+)/u.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
const residentMiB = Number(residentKiB) / 1024
console.log(JSON.stringify({ urn: formatUrn(encoded.capability), milliseconds, residentMiB }))
