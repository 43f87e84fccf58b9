/** Binary messages as one line of text that survives mail and chat: a prefix and base64url without padding. */
import { FilesError } from '../files-error.ts'

export function formatLine(prefix: string, bytes: Uint8Array): string {
  return prefix + bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
}

/**
 * The bytes of a line; white space around it is taken off, nothing else is forgiven.
 * @throws ERR_ACCESS_LINE for another prefix, spelling or more than `bytesMax` bytes
 */
export function parseLine(prefix: string, line: string, bytesMax: number): Uint8Array {
  const text = line.trim()
  if (!text.startsWith(prefix)) {
    throw new FilesError('ERR_ACCESS_LINE', `the line does not begin with "${prefix}": copy it as a whole`)
  }
  const encoded = text.slice(prefix.length)
  if (encoded.length > Math.ceil((bytesMax * 4) / 3)) {
    throw new FilesError(
      'ERR_ACCESS_LINE',
      `a line of ${text.length} characters is longer than is taken here`
    )
  }
  if (!/^[A-Za-z0-9_-]*$/.test(encoded)) {
    throw new FilesError(
      'ERR_ACCESS_LINE',
      'the line holds a character that does not belong there: copy it again'
    )
  }
  try {
    const bytes = Uint8Array.fromBase64(encoded, { alphabet: 'base64url', lastChunkHandling: 'loose' })
    if (formatLine(prefix, bytes) === text) return bytes
  } catch {
    // falls through: not base64
  }
  throw new FilesError('ERR_ACCESS_LINE', 'the line is cut off or mistyped: copy it again as a whole')
}
