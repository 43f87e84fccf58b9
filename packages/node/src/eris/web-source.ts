/**
 * Content from a URL, behind blocks that did not do. A URL in a release record was written by a stranger, and asking it
 * comes from inside the owner's network: names are resolved here, and private addresses are asked only when the owner
 * has named the URL. Each redirect is judged anew.
 */
import { HostFailure, type HttpPort, judgedAddresses } from '@blocktree/apps'
import { NodeError, reasonOf } from '../node-error.ts'

export interface WebRequest {
  readonly url: string
  /** Whether its host may be this machine or lie in its network; a redirect to another host may not. */
  readonly isPrivateAllowed: boolean
  readonly signal: AbortSignal
}

const redirectsMax = 5

/** @throws ERR_CONTENT_URL */
export async function getFromWeb(http: HttpPort, request: WebRequest): Promise<AsyncIterable<Uint8Array>> {
  const named = webUrl(request.url, request.url)
  let url = named
  try {
    for (let followed = 0; followed <= redirectsMax; followed++) {
      const isNamed = url.hostname === named.hostname
      const answer = await ask(http, url, request.isPrivateAllowed && isNamed, request.signal)
      if (answer.status >= 200 && answer.status < 300) return answer.body
      const location = answer.headers.find(({ name }) => name === 'location')?.value
      await answer.body[Symbol.asyncIterator]().return?.()
      if (answer.status < 300 || answer.status >= 400 || location === undefined) {
        throw unreadable(request.url, `it answers ${answer.status}`)
      }
      url = webUrl(URL.parse(location, url)?.href ?? '', request.url)
    }
  } catch (error) {
    request.signal.throwIfAborted()
    if (error instanceof NodeError) throw error
    const isPrivate = error instanceof HostFailure && error.failure === 'denied'
    throw unreadable(
      request.url,
      isPrivate
        ? `${url.host} is this machine or lies in its network; if that is meant, name the URL yourself, with an address or a local name`
        : reasonOf(error)
    )
  }
  throw unreadable(request.url, `it redirects more than ${redirectsMax} times`)
}

async function ask(
  http: HttpPort,
  url: URL,
  isPrivateAllowed: boolean,
  signal: AbortSignal
): ReturnType<HttpPort['request']> {
  const cover = isPrivateAllowed ? 'literal' : 'pattern'
  const addresses = await judgedAddresses(url.hostname, cover, (host) => http.resolve(host, signal))
  let failure: unknown
  for (const address of addresses) {
    try {
      return await http.request({
        method: 'GET',
        url,
        address,
        headers: [],
        content: new Uint8Array(0),
        signal
      })
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function webUrl(text: string, named: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/u.test(url.protocol)) return url
  throw unreadable(named, text === named ? 'it is neither http nor https' : 'it redirects to no web address')
}

function unreadable(url: string, reason: string): NodeError {
  return new NodeError('ERR_CONTENT_URL', `"${url}" cannot be read: ${reason}`)
}
