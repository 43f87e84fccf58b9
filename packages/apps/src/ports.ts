/**
 * What the host side of apps needs from a node. Every method that fails for a reason a guest may know rejects with a
 * HostFailure; any other error is a fault of the node, and the guest gets `internal`.
 */
import type { Host } from '@blocktree/app-package'

/** What is known of a file or directory. Times are in microseconds since 1970. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other'
  readonly size: number
  readonly modified: number | undefined
  readonly mediaType: string | undefined
  readonly block: Uint8Array
  readonly sequence: number
  readonly version: Uint8Array
  readonly sectorSize: number
  readonly isConflicted: boolean
}

export interface FileWrite {
  readonly expected: Host.Expectation
  readonly mediaType: string | undefined
}

export interface FileChange {
  readonly kind: Host.ChangeKind
  /** In the tree. */
  readonly path: string
}

/**
 * Files of the tree in the name of one installation: its principal's caps are checked below this port, its grants above.
 * Paths are those of the tree.
 */
export interface FilePort {
  stat(path: string): Promise<FileFacts>
  /** Fewer bytes only at the end of the file. */
  read(
    path: string,
    range: { readonly offset: number; readonly length: number; readonly version?: Uint8Array }
  ): Promise<Uint8Array>
  /** The new version, once it is durable. */
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>, write: FileWrite): Promise<Uint8Array>
  makeDirectory(path: string): Promise<void>
  list(
    path: string,
    page: { readonly after: string | undefined; readonly limit: number }
  ): Promise<Host.EntryPage>
  remove(
    path: string,
    options: { readonly isRecursive: boolean; readonly expected: Host.Expectation }
  ): Promise<void>
  move(source: string, target: string): Promise<void>
  history(path: string, limit: number): Promise<readonly Host.VersionEntry[]>
  /** Content of the file in all its versions that are still stored, or of all files below the directory; 0 when absent. */
  storedBytes(path: string): Promise<number>
  /** `changes` undefined: some were missed. */
  watch(
    path: string,
    options: { readonly isRecursive: boolean },
    onChange: (changes: readonly FileChange[] | undefined) => void
  ): { close(): void }
}

/** HTTP to one address that was judged before: no name is resolved and no redirect followed below this port. */
export interface HttpPort {
  /** IP addresses of a name, in the order to try. */
  resolve(host: string, signal: AbortSignal): Promise<readonly string[]>
  request(request: {
    readonly method: string
    /** Its host is in `Host` and in the TLS handshake. */
    readonly url: URL
    /** Where to connect. */
    readonly address: string
    readonly headers: readonly Host.Header[]
    readonly content: Uint8Array
    readonly signal: AbortSignal
  }): Promise<{
    readonly status: number
    readonly headers: readonly Host.Header[]
    readonly body: AsyncIterable<Uint8Array>
  }>
}

export interface TcpSocket {
  readonly local: Host.Endpoint
  readonly peer: Host.Endpoint
  /** Resolves when the other side's window has room again. */
  send(bytes: Uint8Array): Promise<void>
  /** undefined when the other side sends nothing any more. Rejects with `timeout`. */
  receive(length: number, waitMs: number): Promise<Uint8Array | undefined>
  shutdown(kind: Host.ShutdownKind): Promise<void>
  onReadable(listener: (kind: 'readable' | 'closed') => void): void
  close(): void
}

export interface TcpListener {
  readonly local: Host.Endpoint
  /** Rejects with `timeout`. */
  accept(waitMs: number): Promise<TcpSocket>
  onAcceptable(listener: () => void): void
  close(): void
}

export interface UdpSocket {
  readonly local: Host.Endpoint
  send(address: string, port: number, bytes: Uint8Array): Promise<void>
  /** Rejects with `timeout`. */
  receive(waitMs: number): Promise<Host.Datagram>
  onReadable(listener: () => void): void
  close(): void
}

/** Sockets to and on addresses that were judged before. */
export interface SocketPort {
  resolve(host: string, signal: AbortSignal): Promise<readonly string[]>
  connect(address: string, port: number, signal: AbortSignal): Promise<TcpSocket>
  listen(address: string, port: number): Promise<TcpListener>
  bindUdp(address: string, port: number): Promise<UdpSocket>
}

export interface Lease {
  /** Hexadecimal digits of the file's block. */
  readonly key: string
  /** Higher than that of every lease of this file before. */
  readonly token: number
  /** The whole of it, from the moment it was given or renewed. */
  readonly ttlMs: number
}

/** Exclusive locks on files, between all who lock: other apps, other nodes. */
export interface LockPort {
  /** Fails with `conflict` when `waitMs` pass first, `busy` when too many wait, `unreachable` when nobody can give it now. */
  acquire(
    key: string,
    options: { readonly ttlMs: number; readonly waitMs: number; readonly signal: AbortSignal }
  ): Promise<Lease>
  /** Fails with `revoked` when the lease is over; the answer may last shorter than asked for. */
  renew(lease: Lease, ttlMs: number): Lease | Promise<Lease>
  /** Without effect when the lease is over. */
  release(lease: Lease): void
  /** Whether a write may go on: fails with `revoked` under a token that is not the newest one given out. */
  expectToken(key: string, token: number): void | Promise<void>
}

export interface TimerPort {
  /** Calls once after `delayMs`, unless the returned function was called before. */
  start(delayMs: number, call: () => void): () => void
  /** Milliseconds that never go back. */
  monotonic(): number
}

export interface AppLogLine {
  readonly app: string
  readonly level: Host.LogLevel
  readonly message: string
  /** `app`: its own words; `host`: what the node says about it. */
  readonly source: 'app' | 'host'
}
