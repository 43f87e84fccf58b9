/** Signals of a stream connection: RFC 8323 section 5. Their options have numbers of their own for each signal. */
import { CoapError } from './coap-error.ts'
import { code } from './code.ts'
import { messageBytesBase } from './limits.ts'
import { type Message, noBytes } from './message.ts'
import { createIntegerOption, createTextOption, integerOption, isCritical, type Option } from './option.ts'

const maxMessageSize = 2
const blockWiseTransfer = 4

/** What a peer said of itself; it may say it again later. */
export interface Capabilities {
  readonly messageBytesMax: number
  readonly takesBlocks: boolean
}

export const baseCapabilities: Capabilities = { messageBytesMax: messageBytesBase, takesBlocks: false }

export function createCapabilities({ messageBytesMax, takesBlocks }: Capabilities): Message {
  const options = [createIntegerOption(maxMessageSize, messageBytesMax)]
  if (takesBlocks) options.push({ number: blockWiseTransfer, value: noBytes })
  return { code: code.capabilities, token: noBytes, options, payload: noBytes }
}

/** What is not said stays as it was. */
export function readCapabilities(options: readonly Option[], before: Capabilities): Capabilities {
  refuseCritical(options)
  return {
    messageBytesMax: Math.max(integerOption(options, maxMessageSize) ?? before.messageBytesMax, 64),
    takesBlocks: before.takesBlocks || options.some(({ number }) => number === blockWiseTransfer)
  }
}

export function createSignal(signalCode: number, token: Uint8Array = noBytes): Message {
  return { code: signalCode, token, options: [], payload: noBytes }
}

/** The reason is for people; `option` names the option of a CSM that was not understood. */
export function createAbort(reason: string, option?: number): Message {
  const options = option === undefined ? [] : [createIntegerOption(2, option)]
  return {
    code: code.abort,
    token: noBytes,
    options,
    payload: createTextOption(0, reason.slice(0, 200)).value
  }
}

/** No signal has a critical option that is known here. */
export function refuseCritical(options: readonly Option[]): void {
  const unknown = options.find(({ number }) => isCritical(number))
  if (unknown !== undefined)
    throw new CoapError('ERR_COAP_OPTION', `a signal with the unknown critical option ${unknown.number}`)
}
