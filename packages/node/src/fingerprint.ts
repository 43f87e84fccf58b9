/** A principal id as people compare it: sixteen characters in groups, enough against anybody who tries keys for years. */
import { formatId } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'

const skipped = 4 // "bciq" begins every id

/** `abcd-efgh-jklm-nopq`, of an id or its text. */
export function fingerprintText(principal: Id | string): string {
  const id = typeof principal === 'string' ? principal : formatId(principal)
  const text = id.slice(skipped, skipped + 16)
  return text.match(/.{4}/g)?.join('-') ?? text
}
