/** What is kept about an installation beside its package and grant: `["blocktree-app", 1, enabled, upgrading from]`. */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import { NodeError } from '../node-error.ts'

export interface AppState {
  /** The person wants it to run. */
  readonly isEnabled: boolean
  /** The version before an upgrade that has not ended well or badly yet. */
  readonly upgradingFrom: number | undefined
}

const domain = 'blocktree-app'

export function encodeAppState({ isEnabled, upgradingFrom }: AppState): Uint8Array {
  const writer = new CanonicalWriter().array(4).str(domain).uint(1).boolean(isEnabled)
  return writer.optional(upgradingFrom, (version) => writer.uint(version)).finish()
}

/** @throws ERR_APP_DAMAGED */
export function decodeAppState(bytes: Uint8Array, name: string): AppState {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(4)
    if (reader.str(domain.length) !== domain || reader.uint() !== 1) throw damaged(name)
    const state = { isEnabled: reader.boolean(), upgradingFrom: reader.optional(() => reader.uint()) }
    reader.end()
    return state
  } catch (cause) {
    if (cause instanceof CodecError) throw damaged(name, cause)
    throw cause
  }
}

function damaged(name: string, cause?: unknown): NodeError {
  return new NodeError(
    'ERR_APP_DAMAGED',
    `the state of app "${name}" cannot be read; restore an older version of /apps/${name}/state`,
    cause === undefined ? {} : { cause }
  )
}
