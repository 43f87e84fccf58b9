/** An asset as an answer: GET and HEAD, conditions, one range (RFC 9110). The app is not asked and need not run. */
import type { IncomingMessage } from 'node:http'
import type { Asset } from './app-directory.ts'
import { parseRange } from './byte-range.ts'
import { checkPreconditions, isRangeCurrent } from './conditional-request.ts'
import { assetTextBytesMax } from './limits.ts'
import { latin1 } from './response-writer.ts'
import { assetSecurityHeaders } from './security-headers.ts'

export interface AssetAnswer {
  readonly status: number
  /** The caller's own. */
  readonly head: string[]
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** The bytes of body as one text with its head, where they are few (`writeWhole`). */
  readonly text?: string | undefined
}

/** What every answer about one asset has in common; made once for each. */
interface Settled {
  readonly security: readonly string[]
  readonly validators: readonly string[]
  readonly text: string | undefined
}

const settledAssets = new WeakMap<Asset, Settled>()

function settled(asset: Asset): Settled {
  const known = settledAssets.get(asset)
  if (known !== undefined) return known
  const { entityTag, modifiedMs, mediaType } = asset
  const modified = modifiedMs === undefined ? [] : ['last-modified', new Date(modifiedMs).toUTCString()]
  const whole = asset.size <= assetTextBytesMax ? asset.read(0, asset.size) : undefined
  const made: Settled = {
    security: assetSecurityHeaders(mediaType),
    validators: ['etag', entityTag, 'cache-control', 'no-cache', 'accept-ranges', 'bytes', ...modified],
    text: whole instanceof Uint8Array ? latin1(whole) : undefined
  }
  settledAssets.set(asset, made)
  return made
}

const nothing = new Uint8Array(0)

export function assetAnswer(message: IncomingMessage, asset: Asset, requestId: string): AssetAnswer {
  const { security, validators, text } = settled(asset)
  const head = ['x-request-id', requestId, ...security]
  if (message.method !== 'GET' && message.method !== 'HEAD') {
    head.push('allow', 'GET, HEAD', 'content-length', '0')
    return { status: 405, head, body: nothing }
  }
  const condition = checkPreconditions(message.headers, asset)
  if (condition === 'failed') {
    head.push('content-length', '0')
    return { status: 412, head, body: nothing }
  }
  head.push(...validators)
  if (condition === 'notModified') return { status: 304, head, body: nothing }
  head.push('content-type', asset.mediaType)
  return message.method === 'HEAD'
    ? wholeAsset(asset, head, nothing)
    : rangeOrWhole(message, asset, head, text)
}

function rangeOrWhole(
  message: IncomingMessage,
  asset: Asset,
  head: string[],
  text: string | undefined
): AssetAnswer {
  const header = message.headers.range
  const wanted =
    header === undefined || !isRangeCurrent(message.headers, asset)
      ? undefined
      : parseRange(header, asset.size)
  if (wanted === undefined) {
    return text === undefined
      ? wholeAsset(asset, head, asset.read(0, asset.size))
      : { ...wholeAsset(asset, head, nothing), text }
  }
  if (wanted === 'unsatisfiable') {
    head.push('content-range', `bytes */${asset.size}`, 'content-length', '0')
    return { status: 416, head, body: nothing }
  }
  const { start, end } = wanted
  head.push('content-range', `bytes ${start}-${end - 1}/${asset.size}`, 'content-length', String(end - start))
  return { status: 206, head, body: asset.read(start, end) }
}

function wholeAsset(asset: Asset, head: string[], body: AssetAnswer['body']): AssetAnswer {
  head.push('content-length', String(asset.size))
  return { status: 200, head, body }
}
