/** Names one transfer of one peer: who asks what, apart from the place in the body. RFC 7959 section 2.5 and the cache key of RFC 7252. */
import { optionNumber, type Option } from './option.ts'

const apart: ReadonlySet<number> = new Set([
  optionNumber.block1,
  optionNumber.block2,
  optionNumber.size1,
  optionNumber.size2,
  optionNumber.observe
])

export function answerKey(
  peerKey: string,
  request: { readonly code: number; readonly options: readonly Option[] }
): string {
  const parts = [peerKey, String(request.code)]
  for (const { number, value } of request.options)
    if (!apart.has(number)) parts.push(`${number}=${Buffer.from(value).toString('base64')}`)
  return JSON.stringify(parts)
}
