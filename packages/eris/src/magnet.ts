/** Magnet links that name ERIS content: xt=urn:eris:..., dn (name) and xl (length) if known. */
import { ErisError } from './eris-error.ts'
import { type ReadCapability, formatUrn, parseUrn } from './read-capability.ts'

export interface Magnet {
  readonly capability: ReadCapability
  /** What people call it. */
  readonly name?: string | undefined
  readonly contentBytes?: number | undefined
}

const magnetCharactersMax = 8192

export function formatMagnet({ capability, name, contentBytes }: Magnet): string {
  const parts = [`xt=${formatUrn(capability)}`]
  if (name !== undefined) parts.push(`dn=${encodeURIComponent(name)}`)
  if (contentBytes !== undefined) parts.push(`xl=${contentBytes}`)
  return `magnet:?${parts.join('&')}`
}

/** Other parameters are left out, other `xt` as well. @throws ERR_ERIS_MAGNET, and as `parseUrn` */
export function parseMagnet(text: string): Magnet {
  const query = /^magnet:\?(.+)$/iu.exec(text)?.[1]
  if (query === undefined || text.length > magnetCharactersMax)
    throw refused('it does not begin with "magnet:?"')
  const parameters = new URLSearchParams(query)
  const topics = parameters.getAll('xt').filter((topic) => topic.startsWith('urn:eris:'))
  const [topic] = topics
  if (topic === undefined || topics.length > 1)
    throw refused(`it names ${topics.length} ERIS contents, not one`)
  const name = parameters.get('dn') ?? undefined
  const length = parameters.get('xl') ?? undefined
  const contentBytes = length === undefined ? undefined : Number(length)
  if (length !== undefined && !(/^\d{1,16}$/u.test(length) && Number.isSafeInteger(contentBytes))) {
    throw refused('its length is not a number')
  }
  return { capability: parseUrn(topic), name, contentBytes }
}

function refused(problem: string): ErisError {
  return new ErisError('ERR_ERIS_MAGNET', `not a magnet link of ERIS content: ${problem}`)
}
