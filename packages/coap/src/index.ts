/** CoAP over UDP, TCP and Unix sockets: messages, client and server. */
export { CoapError, type CoapErrorCode } from './coap-error.ts'
export { code, formatCode } from './code.ts'
export { type ConnectOptions, connectCoap } from './connect.ts'
export type { Handler, HandlerResponse, IncomingRequest } from './handler.ts'
export { type ResourceLink, describeResources, wellKnownCorePath } from './link-format.ts'
export { type CoapServer, type ListenOptions, listenCoap } from './listen.ts'
export type { OutgoingRequest, ReceivedResponse, Response } from './message.ts'
export {
  type Option,
  createIntegerOption,
  createTextOption,
  findOption,
  integerOption,
  optionNumber
} from './option.ts'
export type { CoapPeer, Observation, RequestOptions } from './peer.ts'
export { prepareSocketPath } from './socket-path.ts'
export type { SessionTimes } from './session-watch.ts'
export { type CoapAddress, formatCoapUrl, parseCoapUrl, resourceOptions } from './url.ts'
