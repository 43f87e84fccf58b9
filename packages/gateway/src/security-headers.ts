/**
 * Headers that every answer of every app carries. The policy of the gateway and one that an app adds both apply in
 * the browser, so an app can tighten it, never loosen it: its page talks to its own origin and to nothing else.
 */

export const contentSecurityPolicy: string = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'"
].join('; ')

/** Name, value, name, value, as `writeHead` takes them. */
export const securityHeaders: readonly string[] = [
  'content-security-policy',
  contentSecurityPolicy,
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'same-origin',
  'cross-origin-opener-policy',
  'same-origin',
  'cross-origin-resource-policy',
  'same-origin',
  'origin-agent-cluster',
  '?1',
  'permissions-policy',
  'browsing-topics=(), geolocation=(), microphone=(), camera=(), payment=(), usb=()'
]

/** Of what a browser shows or uses without running anything of it. */
const passiveHeaders: readonly string[] = [
  'x-content-type-options',
  'nosniff',
  'cross-origin-resource-policy',
  'same-origin'
]

/**
 * Pictures, sounds, films, styles, fonts, plain text, data. Everything else runs under a policy of its own: documents,
 * scripts that may be workers, whatever is XML, and types that nobody here knows, which the author may have made up.
 */
const passiveType =
  /^(?:image\/(?:avif|bmp|gif|jpeg|png|webp|x-icon)|audio\/[a-z0-9.-]+|video\/[a-z0-9.-]+|font\/[a-z0-9-]+|text\/(?:css|csv|markdown|plain)|application\/(?:json|manifest\+json|octet-stream|zip))(?:; charset=[a-z0-9-]+)?$/

/** Those for a file of this media type; `nosniff` keeps browsers from taking it for another. */
export function assetSecurityHeaders(mediaType: string): readonly string[] {
  return passiveType.test(mediaType) ? passiveHeaders : securityHeaders
}

/** What an app may not send, because it is decided here. */
export const ownHeaders: ReadonlySet<string> = new Set([
  ...securityHeaders.filter((_, index) => index % 2 === 0 && index > 0),
  'x-request-id',
  'date',
  'strict-transport-security',
  'alt-svc',
  'clear-site-data',
  // Make browsers send reports, with addresses of pages in them, to any server.
  'nel',
  'report-to',
  'reporting-endpoints'
])
