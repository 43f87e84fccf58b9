/** `/.well-known/core`: what a server offers, in the link format of RFC 6690. */
import { code } from './code.ts'
import type { HandlerResponse } from './handler.ts'
import { createIntegerOption, optionNumber } from './option.ts'

export interface ResourceLink {
  readonly path: string
  /** Resource type: what it is for. */
  readonly resourceType?: string
  readonly title?: string
  readonly contentFormat?: number
  readonly isObservable?: boolean
}

export const wellKnownCorePath = '/.well-known/core'

const linkFormat = 40

/** The answer to a GET of `/.well-known/core`. */
export function describeResources(links: readonly ResourceLink[]): HandlerResponse {
  return {
    code: code.content,
    options: [createIntegerOption(optionNumber.contentFormat, linkFormat)],
    payload: new TextEncoder().encode(links.map(formatLink).join(','))
  }
}

function formatLink({ path, resourceType, title, contentFormat, isObservable }: ResourceLink): string {
  const parts = [`<${path}>`]
  if (resourceType !== undefined) parts.push(`rt="${resourceType}"`)
  if (title !== undefined) parts.push(`title="${title.replaceAll(/["\\]/g, '\\$&')}"`)
  if (contentFormat !== undefined) parts.push(`ct=${contentFormat}`)
  if (isObservable === true) parts.push('obs')
  return parts.join(';')
}
