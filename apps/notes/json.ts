/** Texts as JSON and out of a query. */

export function quote(text: string): string {
  let quoted = '"'
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code == 34) quoted += '\\"'
    else if (code == 92) quoted += '\\\\'
    else if (code < 32 || (code >= 0xd800 && code <= 0xdfff && !isPaired(text, index))) {
      quoted += '\\u' + code.toString(16).padStart(4, '0')
    } else quoted += text.charAt(index)
  }
  return quoted + '"'
}

/** An excerpt may end between the halves of a character. */
function isPaired(text: string, index: i32): bool {
  const code = text.charCodeAt(index)
  const isHigh = code < 0xdc00
  const other = isHigh ? index + 1 : index - 1
  if (other < 0 || other >= text.length) return false
  const partner = text.charCodeAt(other)
  return isHigh ? partner >= 0xdc00 && partner <= 0xdfff : partner >= 0xd800 && partner < 0xdc00
}

/** Value of a parameter, decoded; empty when it is absent. */
export function parameter(query: string | null, name: string): string {
  if (query == null) return ''
  const parts = query.split('&')
  for (let index = 0; index < parts.length; index++) {
    if (parts[index].startsWith(name + '=')) return decode(parts[index].substring(name.length + 1))
  }
  return ''
}

function decode(text: string): string {
  const source = Uint8Array.wrap(String.UTF8.encode(text))
  const bytes = new Uint8Array(source.length)
  let length = 0
  for (let index = 0; index < source.length; index++) {
    let byte = source[index]
    if (byte == 43) byte = 32
    else if (byte == 37 && index + 2 < source.length) {
      const high = digit(source[index + 1])
      const low = digit(source[index + 2])
      if (high >= 0 && low >= 0) {
        byte = <u8>((high << 4) | low)
        index += 2
      }
    }
    bytes[length++] = byte
  }
  return String.UTF8.decode(bytes.slice(0, length).buffer)
}

function digit(code: u8): i32 {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
