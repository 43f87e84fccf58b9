/** Stores of ERIS blocks: directory, SQLite, CBOR file, HTTP, CoAP, combinators; the daemon that serves them. */
export {
  type BlockServer,
  type BlockServerEvent,
  type BlockServerOptions,
  startBlockServer
} from './block-server.ts'
export { type BoundedStoreOptions, createBoundedStore } from './bounded-store.ts'
export { type CborStore, openCborStore } from './cbor-store.ts'
export { type CoapResourceOptions, createCoapResource } from './coap-resource.ts'
export { type CoapStoreOptions, createCoapStore, storePathDefault } from './coap-store.ts'
export { openDirectoryStore } from './directory-store.ts'
export { type FallbackMember, type FallbackOptions, createFallbackStore } from './fallback-store.ts'
export { type HttpResource, type HttpResourceOptions, createHttpResource } from './http-resource.ts'
export { type HttpStoreOptions, createHttpStore } from './http-store.ts'
export { type OpenOptions, openBlockStore } from './open-block-store.ts'
export { type BlockKeeper, createPortStore } from './port-store.ts'
export { createRestrictedStore } from './restricted-store.ts'
export { type SqliteStoreOptions, openSqliteStore } from './sqlite-store.ts'
export { type StoreUrl, parseStoreUrl } from './store-url.ts'
export { createVerifiedStore } from './verified-store.ts'
