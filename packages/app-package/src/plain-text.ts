/** Texts of strangers that a person reads: no control characters, nothing that reorders or hides what stands there. */

const encoder = new TextEncoder()
const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * @param lines line feeds are allowed
 * @returns what is wrong with it as the end of a sentence; undefined when nothing
 */
export function checkPlainText(text: string, bytesMax: number, lines = false): string | undefined {
  if (text.trim() === '') return 'is empty'
  if (text !== text.normalize('NFC')) return 'is not in Unicode normalization form C'
  if (text !== text.trim()) return 'begins or ends with white space'
  if (hidden.test(lines ? text.replaceAll('\n', '') : text)) return 'contains control or invisible characters'
  const bytes = encoder.encode(text).length
  return bytes > bytesMax ? `has ${bytes} bytes, more than ${bytesMax}` : undefined
}
