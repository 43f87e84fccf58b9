/**
 * What the sessions of one server share: handler, block-wise transfers, observers, the budget for held bytes. A session
 * asks it to answer a message; bad options and failing handlers are dealt with here, once for all transports.
 */
import { type BlockLimits, BlockServer } from './block-server.ts'
import type { Clock } from './clock.ts'
import { CoapError } from './coap-error.ts'
import { code } from './code.ts'
import type { Handler, HandlerResponse } from './handler.ts'
import type { Message, Response } from './message.ts'
import { ObserverTable, observeRequest } from './observer-table.ts'
import { optionNumber, pathOf, usableOptions, findOption } from './option.ts'
import type { CoapPeer } from './peer.ts'

export interface Service {
  /** Answers a request that was received. `notify` sends notifications of an observed resource. */
  answer(
    message: Message,
    peer: CoapPeer,
    limits: BlockLimits,
    notify: (notification: Response, isLast: boolean) => void
  ): Response | Promise<Response>
  /** Ends what a peer observes: all of it, or what has this token. */
  forget(peerKey: string, token?: Uint8Array): void
}

export interface ServiceDependencies {
  readonly handler: Handler
  readonly clock: Clock
  /** Told of errors that handlers throw; the peer learns nothing of them. */
  readonly onHandlerError?: ((error: unknown) => void) | undefined
}

/** For those who only ask: every request of the peer is answered 4.04. */
export const answerNothing: Handler = () => ({ code: code.notFound })

export function createService({ handler, clock, onHandlerError }: ServiceDependencies): Service {
  const blocks = new BlockServer(handler, clock)
  const observers = new ObserverTable()

  const fail = (error: unknown): Response => {
    if (error instanceof CoapError && error.code === 'ERR_COAP_OPTION') return { code: code.badOption }
    onHandlerError?.(error)
    return { code: code.internalServerError }
  }

  const answer: Service['answer'] = (message, peer, limits, notify) => {
    const { options, refused } = usableOptions(message.options)
    if (refused !== undefined) return { code: code.badOption }
    if (findOption(options, optionNumber.proxyUri) ?? findOption(options, optionNumber.proxyScheme))
      return { code: code.proxyingNotSupported }
    try {
      const request = { code: message.code, path: pathOf(options), options, payload: message.payload, peer }
      const observe = message.code === code.get ? observeRequest(options) : undefined
      if (observe !== undefined) observers.end(limits.peerKey, message.token)
      const finish = (response: HandlerResponse): Response =>
        observe === 0
          ? observers.begin(limits.peerKey, message.token, response, (notification, isLast) =>
              notify(blocks.cut(request, notification, limits), isLast)
            )
          : response
      const response = blocks.answer(request, limits)
      return response instanceof Promise ? response.then(finish).catch(fail) : finish(response)
    } catch (error) {
      return fail(error)
    }
  }

  return {
    answer,
    forget: (peerKey, token) =>
      token === undefined ? observers.endPeer(peerKey) : observers.end(peerKey, token)
  }
}
