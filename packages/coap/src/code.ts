/** Codes of messages: class (3 bits) and detail (5 bits), RFC 7252 section 3; signals: RFC 8323 section 5. */

export const code = {
  empty: 0x00,
  get: 0x01,
  post: 0x02,
  put: 0x03,
  delete: 0x04,
  created: 0x41,
  deleted: 0x42,
  valid: 0x43,
  changed: 0x44,
  content: 0x45,
  continue: 0x5f,
  badRequest: 0x80,
  unauthorized: 0x81,
  badOption: 0x82,
  forbidden: 0x83,
  notFound: 0x84,
  methodNotAllowed: 0x85,
  notAcceptable: 0x86,
  requestEntityIncomplete: 0x88,
  preconditionFailed: 0x8c,
  requestEntityTooLarge: 0x8d,
  unsupportedContentFormat: 0x8f,
  internalServerError: 0xa0,
  notImplemented: 0xa1,
  serviceUnavailable: 0xa3,
  proxyingNotSupported: 0xa5,
  capabilities: 0xe1,
  ping: 0xe2,
  pong: 0xe3,
  release: 0xe4,
  abort: 0xe5
} as const

export function codeClass(value: number): number {
  return value >> 5
}

export function isRequestCode(value: number): boolean {
  return value > 0 && value < 0x20
}

export function isResponseCode(value: number): boolean {
  const kind = codeClass(value)
  return kind === 2 || kind === 4 || kind === 5
}

/** `2.05` */
export function formatCode(value: number): string {
  return `${value >> 5}.${String(value & 31).padStart(2, '0')}`
}
