/**
 * Every setting of a node as data: its key in the file, its variable, its flag, its kind and its default. The loader,
 * `blocktree start --help` and doc/spec/13-configuration.md come from this one table.
 */
import type { SettingKind } from './setting-kind.ts'

export { describeKind } from './setting-kind.ts'

export interface Settings {
  readonly log: {
    readonly level: 'error' | 'warn' | 'info' | 'debug' | 'trace'
    readonly format: 'auto' | 'human' | 'json'
  }
  readonly socket: { readonly enabled: boolean; readonly path: string | undefined }
  readonly store: {
    readonly durability: 'none' | 'group' | 'each'
    readonly segmentBytes: number
    readonly workers: number | undefined
  }
  readonly root: {
    readonly passphraseFile: string | undefined
    readonly autoLockMs: number
    readonly recovery: boolean
  }
  readonly crypto: { readonly provider: 'auto' | 'native' | 'portable' }
  readonly space: { readonly reserveBytes: number }
  readonly apps: {
    readonly enabled: boolean
    readonly host: string
    readonly port: number
    readonly publicName: string | undefined
    readonly certificate: string | undefined
    readonly key: string | undefined
    readonly sandbox: 'auto' | 'process' | 'bwrap' | 'bwrap+seccomp'
    readonly engine: 'auto' | 'v8' | 'wasmtime'
  }
  readonly network: {
    readonly enabled: boolean
    readonly host: string
    readonly port: number
    /** Multiaddrs without a peer id. */
    readonly announce: readonly string[]
    readonly announceOnly: boolean
    readonly libp2p: boolean
    readonly libp2pPort: number
    /** undefined: WebSockets are off. */
    readonly webSocketPort: number | undefined
    readonly quic: boolean
    readonly mdns: boolean
    readonly dht: 'auto' | 'off' | 'client' | 'server'
    /** Multiaddrs that end in a peer id. */
    readonly bootstrap: readonly string[]
    /** Multiaddrs that end in a peer id. */
    readonly relays: readonly string[]
    readonly relayServer: boolean
    readonly holePunching: boolean
    readonly autonat: boolean
  }
  readonly sync: {
    readonly content: 'all' | 'on-demand'
    readonly cacheBytes: number
    readonly absentMs: number
    readonly uploadRate: number
    readonly downloadRate: number
    readonly receipts: boolean
  }
  readonly cluster: {
    readonly coordinator: 'auto' | 'local' | 'builtin' | 'etcd'
    readonly etcdEndpoints: readonly string[]
  }
  readonly eris: {
    readonly listen: string | undefined
    readonly stores: string | undefined
    readonly cacheBytes: number
    readonly peers: 'nobody' | 'members' | 'peers' | 'everybody'
  }
  readonly service: boolean
}

export type SettingKey =
  | 'log.level'
  | 'log.format'
  | 'socket.enabled'
  | 'socket.path'
  | 'store.durability'
  | 'store.segmentBytes'
  | 'store.workers'
  | 'root.passphraseFile'
  | 'root.autoLock'
  | 'root.recovery'
  | 'crypto.provider'
  | 'space.reserve'
  | 'apps.enabled'
  | 'apps.host'
  | 'apps.port'
  | 'apps.publicName'
  | 'apps.certificate'
  | 'apps.key'
  | 'apps.sandbox'
  | 'apps.engine'
  | 'network.enabled'
  | 'network.host'
  | 'network.port'
  | 'network.announce'
  | 'network.announceOnly'
  | 'network.libp2p'
  | 'network.libp2pPort'
  | 'network.webSocketPort'
  | 'network.quic'
  | 'network.mdns'
  | 'network.dht'
  | 'network.bootstrap'
  | 'network.relays'
  | 'network.relayServer'
  | 'network.holePunching'
  | 'network.autonat'
  | 'sync.content'
  | 'sync.cache'
  | 'sync.absentAfter'
  | 'sync.uploadRate'
  | 'sync.downloadRate'
  | 'sync.receipts'
  | 'cluster.coordinator'
  | 'cluster.etcdEndpoints'
  | 'eris.listen'
  | 'eris.stores'
  | 'eris.cache'
  | 'eris.peers'
  | 'service'

export interface Setting {
  readonly key: SettingKey
  readonly variable: string
  readonly flag: string
  readonly kind: SettingKind
  /** As a person would write it; undefined when there is none. */
  readonly fallback: string | undefined
  readonly summary: string
}

const kibi = 1024
const mebi = 1024 * kibi
const minute = 60_000

export const settings: readonly Setting[] = [
  {
    key: 'log.level',
    variable: 'BLOCKTREE_LOG_LEVEL',
    flag: 'log-level',
    kind: { type: 'choice', choices: ['error', 'warn', 'info', 'debug', 'trace'] },
    fallback: 'info',
    summary: 'the least important entries that are written'
  },
  {
    key: 'log.format',
    variable: 'BLOCKTREE_LOG_FORMAT',
    flag: 'log-format',
    kind: { type: 'choice', choices: ['auto', 'human', 'json'] },
    fallback: 'auto',
    summary: 'how entries look; auto is human on a terminal and json elsewhere'
  },
  {
    key: 'socket.enabled',
    variable: 'BLOCKTREE_SOCKET_ENABLED',
    flag: 'socket-enabled',
    kind: { type: 'boolean' },
    fallback: 'true',
    summary: 'whether the node listens on a Unix socket beside stdin'
  },
  {
    key: 'socket.path',
    variable: 'BLOCKTREE_SOCKET_PATH',
    flag: 'socket-path',
    kind: { type: 'path' },
    fallback: undefined,
    summary: 'another place for the socket than rpc.sock in the data directory'
  },
  {
    key: 'store.durability',
    variable: 'BLOCKTREE_STORE_DURABILITY',
    flag: 'durability',
    kind: { type: 'choice', choices: ['none', 'group', 'each'] },
    fallback: 'group',
    summary: 'when a write is acknowledged: when queued, after its group is synced, after a sync of its own'
  },
  {
    key: 'store.segmentBytes',
    variable: 'BLOCKTREE_STORE_SEGMENT_BYTES',
    flag: 'segment-bytes',
    kind: { type: 'size', min: mebi, max: 1024 * mebi },
    fallback: '64 MiB',
    summary: 'size at which a new segment file is begun'
  },
  {
    key: 'store.workers',
    variable: 'BLOCKTREE_STORE_WORKERS',
    flag: 'workers',
    kind: { type: 'integer', min: 0, max: 64 },
    fallback: undefined,
    summary: 'threads for bulk encryption; one less than the processors when not set'
  },
  {
    key: 'root.passphraseFile',
    variable: 'BLOCKTREE_PASSPHRASE_FILE',
    flag: 'passphrase-file',
    kind: { type: 'path' },
    fallback: undefined,
    summary: 'file whose first line seals the root key at the first start, in place of a generated passphrase'
  },
  {
    key: 'root.autoLock',
    variable: 'BLOCKTREE_ROOT_AUTO_LOCK',
    flag: 'auto-lock',
    kind: { type: 'duration', min: 1000, max: 24 * 60 * minute },
    fallback: '5m',
    summary: 'time after which an unlocked root key is locked again'
  },
  {
    key: 'root.recovery',
    variable: 'BLOCKTREE_ROOT_RECOVERY',
    flag: 'recovery',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary: 'whether the first start also makes a recovery key that can replace a lost root key'
  },
  {
    key: 'crypto.provider',
    variable: 'BLOCKTREE_CRYPTO_PROVIDER',
    flag: 'crypto',
    kind: { type: 'choice', choices: ['auto', 'native', 'portable'] },
    fallback: 'auto',
    summary: 'which cryptographic driver is used; portable is slow and needs no add-on'
  },
  {
    key: 'space.reserve',
    variable: 'BLOCKTREE_SPACE_RESERVE',
    flag: 'space-reserve',
    kind: { type: 'size', min: 0, max: 1024 * 1024 * mebi },
    fallback: '256 MiB',
    summary:
      'free space that is kept: what adds content is refused before it is touched, removals and collections go on'
  },
  {
    key: 'apps.enabled',
    variable: 'BLOCKTREE_APPS_ENABLED',
    flag: 'apps-enabled',
    kind: { type: 'boolean' },
    fallback: 'true',
    summary: 'whether apps answer web requests'
  },
  {
    key: 'apps.host',
    variable: 'BLOCKTREE_APPS_HOST',
    flag: 'apps-host',
    kind: { type: 'host' },
    fallback: '127.0.0.1',
    summary: 'address on which apps answer; one of the network makes them reachable from it'
  },
  {
    key: 'apps.port',
    variable: 'BLOCKTREE_APPS_PORT',
    flag: 'apps-port',
    kind: { type: 'integer', min: 0, max: 65_535 },
    fallback: '4780',
    summary: 'port on which apps answer, http://<app>.localhost:<port>/; 0 takes a free one'
  },
  {
    key: 'apps.publicName',
    variable: 'BLOCKTREE_APPS_PUBLIC_NAME',
    flag: 'apps-public-name',
    kind: { type: 'host' },
    fallback: undefined,
    summary: 'host name below which apps that are public answer too: <app>.<name>'
  },
  {
    key: 'apps.certificate',
    variable: 'BLOCKTREE_APPS_CERTIFICATE',
    flag: 'apps-certificate',
    kind: { type: 'path' },
    fallback: undefined,
    summary: 'PEM file with the certificate chain; with apps.key apps answer by https'
  },
  {
    key: 'apps.key',
    variable: 'BLOCKTREE_APPS_KEY',
    flag: 'apps-key',
    kind: { type: 'path' },
    fallback: undefined,
    summary: 'PEM file with the key of the certificate'
  },
  {
    key: 'apps.sandbox',
    variable: 'BLOCKTREE_APPS_SANDBOX',
    flag: 'apps-sandbox',
    kind: { type: 'choice', choices: ['auto', 'process', 'bwrap', 'bwrap+seccomp'] },
    fallback: 'auto',
    summary: 'the least confinement under which apps run; auto takes the strongest there is'
  },
  {
    key: 'apps.engine',
    variable: 'BLOCKTREE_APPS_ENGINE',
    flag: 'apps-engine',
    kind: { type: 'choice', choices: ['auto', 'v8', 'wasmtime'] },
    fallback: 'auto',
    summary: 'what runs WebAssembly; auto is wasmtime when it is installed, else v8'
  },
  {
    key: 'network.enabled',
    variable: 'BLOCKTREE_NETWORK_ENABLED',
    flag: 'network-enabled',
    kind: { type: 'boolean' },
    fallback: 'true',
    summary: 'whether the node speaks with others; nothing listens before it has invited or joined somebody'
  },
  {
    key: 'network.host',
    variable: 'BLOCKTREE_NETWORK_HOST',
    flag: 'network-host',
    kind: { type: 'host' },
    fallback: '0.0.0.0',
    summary: 'address on which other nodes are answered; 127.0.0.1 keeps it to this machine'
  },
  {
    key: 'network.port',
    variable: 'BLOCKTREE_NETWORK_PORT',
    flag: 'network-port',
    kind: { type: 'integer', min: 0, max: 65_535 },
    fallback: '4781',
    summary: 'port on which other nodes are answered; 0 takes a free one at each start'
  },
  {
    key: 'network.announce',
    variable: 'BLOCKTREE_NETWORK_ANNOUNCE',
    flag: 'network-announce',
    kind: { type: 'addresses' },
    fallback: undefined,
    summary: 'further addresses at which others can dial this node: of a forwarded port, or a name'
  },
  {
    key: 'network.announceOnly',
    variable: 'BLOCKTREE_NETWORK_ANNOUNCE_ONLY',
    flag: 'network-announce-only',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary:
      'whether others are told the addresses of network.announce and of relays alone, not those at which this node listens'
  },
  {
    key: 'sync.content',
    variable: 'BLOCKTREE_SYNC_CONTENT',
    flag: 'sync-content',
    kind: { type: 'choice', choices: ['all', 'on-demand'] },
    fallback: 'all',
    summary:
      'all: this node keeps what the policies of directories ask it to keep; on-demand: it keeps nothing for others, and fetches contents when somebody reads them'
  },
  {
    key: 'sync.cache',
    variable: 'BLOCKTREE_SYNC_CACHE',
    flag: 'sync-cache',
    kind: { type: 'size', min: mebi, max: 1024 * 1024 * mebi },
    fallback: '1 GiB',
    summary: 'space for contents that this node need not keep: of what was read, and of what others keep now'
  },
  {
    key: 'sync.absentAfter',
    variable: 'BLOCKTREE_SYNC_ABSENT_AFTER',
    flag: 'sync-absent-after',
    kind: { type: 'duration', min: minute, max: 366 * 1440 * minute },
    fallback: '3d',
    summary: 'after how long without a connection another node does not count among those that keep copies'
  },
  {
    key: 'sync.uploadRate',
    variable: 'BLOCKTREE_SYNC_UPLOAD_RATE',
    flag: 'sync-upload-rate',
    kind: { type: 'size', min: 0, max: 1024 * 1024 * mebi },
    fallback: '0',
    summary: 'bytes of content a second to all other nodes together; 0 for no limit'
  },
  {
    key: 'sync.downloadRate',
    variable: 'BLOCKTREE_SYNC_DOWNLOAD_RATE',
    flag: 'sync-download-rate',
    kind: { type: 'size', min: 0, max: 1024 * 1024 * mebi },
    fallback: '0',
    summary: 'bytes of content a second from all other nodes together; 0 for no limit'
  },
  {
    key: 'sync.receipts',
    variable: 'BLOCKTREE_SYNC_RECEIPTS',
    flag: 'sync-receipts',
    kind: { type: 'boolean' },
    fallback: 'true',
    summary:
      'whether other nodes are asked for receipts of what is written here, also when nobody waits for them'
  },
  {
    key: 'cluster.coordinator',
    variable: 'BLOCKTREE_CLUSTER_COORDINATOR',
    flag: 'cluster-coordinator',
    kind: { type: 'choice', choices: ['auto', 'local', 'builtin', 'etcd'] },
    fallback: 'auto',
    summary:
      'who gives locks: auto and builtin, the nodes of the tree by majority; local, this node for itself; etcd'
  },
  {
    key: 'cluster.etcdEndpoints',
    variable: 'BLOCKTREE_CLUSTER_ETCD_ENDPOINTS',
    flag: 'cluster-etcd-endpoints',
    kind: { type: 'urls' },
    fallback: undefined,
    summary: 'with etcd: its client addresses, such as http://127.0.0.1:2379'
  },
  {
    key: 'eris.listen',
    variable: 'BLOCKTREE_ERIS_LISTEN',
    flag: 'eris-listen',
    kind: { type: 'urls' },
    fallback: undefined,
    summary: 'where blocks of published content are answered, such as http://127.0.0.1:4782?get'
  },
  {
    key: 'eris.stores',
    variable: 'BLOCKTREE_ERIS_STORES',
    flag: 'eris-stores',
    kind: { type: 'urls' },
    fallback: undefined,
    summary:
      'stores of others that are asked for blocks, in this order, such as coap+tcp://friend.example?get'
  },
  {
    key: 'eris.cache',
    variable: 'BLOCKTREE_ERIS_CACHE',
    flag: 'eris-cache',
    kind: { type: 'size', min: 8 * mebi, max: 1024 * 1024 * mebi },
    fallback: '256 MiB',
    summary: 'space for blocks that were fetched from others'
  },
  {
    key: 'eris.peers',
    variable: 'BLOCKTREE_ERIS_PEERS',
    flag: 'eris-peers',
    kind: { type: 'choice', choices: ['nobody', 'members', 'peers', 'everybody'] },
    fallback: 'peers',
    summary:
      'which connected nodes may ask for encrypted blocks: members, peers with any right here too, or strangers too'
  },
  {
    key: 'network.libp2p',
    variable: 'BLOCKTREE_NETWORK_LIBP2P',
    flag: 'network-libp2p',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary:
      'whether nodes are reached over libp2p too: found in the local network, through relays, behind routers'
  },
  {
    key: 'network.libp2pPort',
    variable: 'BLOCKTREE_NETWORK_LIBP2P_PORT',
    flag: 'network-libp2p-port',
    kind: { type: 'integer', min: 0, max: 65_535 },
    fallback: '4783',
    summary: 'port for libp2p; 0 takes a free one at each start'
  },
  {
    key: 'network.webSocketPort',
    variable: 'BLOCKTREE_NETWORK_WEB_SOCKET_PORT',
    flag: 'network-web-socket-port',
    kind: { type: 'integer', min: 0, max: 65_535 },
    fallback: undefined,
    summary:
      'with libp2p: port for WebSockets, which pass where nothing but the web does; 0 takes a free one at each start; off when not given'
  },
  {
    key: 'network.quic',
    variable: 'BLOCKTREE_NETWORK_QUIC',
    flag: 'network-quic',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary:
      'with libp2p: whether QUIC is spoken, on the UDP port of the same number; its native code is made for Linux, macOS and Windows x64'
  },
  {
    key: 'network.mdns',
    variable: 'BLOCKTREE_NETWORK_MDNS',
    flag: 'network-mdns',
    kind: { type: 'boolean' },
    fallback: 'true',
    summary: 'with libp2p: whether nodes find each other in the local network by multicast'
  },
  {
    key: 'network.dht',
    variable: 'BLOCKTREE_NETWORK_DHT',
    flag: 'network-dht',
    kind: { type: 'choice', choices: ['auto', 'off', 'client', 'server'] },
    fallback: 'auto',
    summary:
      'with libp2p: the distributed table in which nodes are found by their id: client asks and is found, server also answers others and has to be reachable, auto is client where network.bootstrap is given'
  },
  {
    key: 'network.bootstrap',
    variable: 'BLOCKTREE_NETWORK_BOOTSTRAP',
    flag: 'network-bootstrap',
    kind: { type: 'addresses' },
    fallback: undefined,
    summary:
      'with libp2p: known nodes, each ending in /p2p/ID, through which others are found in a distributed table; without them the table is not used'
  },
  {
    key: 'network.relays',
    variable: 'BLOCKTREE_NETWORK_RELAYS',
    flag: 'network-relays',
    kind: { type: 'addresses' },
    fallback: undefined,
    summary: 'with libp2p: nodes, each ending in /p2p/ID, through which this one can be reached'
  },
  {
    key: 'network.relayServer',
    variable: 'BLOCKTREE_NETWORK_RELAY_SERVER',
    flag: 'network-relay-server',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary: 'with libp2p: whether this node passes the bytes of others that cannot reach each other'
  },
  {
    key: 'network.holePunching',
    variable: 'BLOCKTREE_NETWORK_HOLE_PUNCHING',
    flag: 'network-hole-punching',
    kind: { type: 'boolean' },
    fallback: 'true',
    summary:
      'with network.relays: whether a connection through a relay is replaced by a direct one where the routers allow it'
  },
  {
    key: 'network.autonat',
    variable: 'BLOCKTREE_NETWORK_AUTONAT',
    flag: 'network-autonat',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary: 'with libp2p: whether others are asked if this node can be dialled, and asking ones are answered'
  },
  {
    key: 'service',
    variable: 'BLOCKTREE_SERVICE',
    flag: 'service',
    kind: { type: 'boolean' },
    fallback: 'false',
    summary: 'ignore stdin and run until a signal or node.shutdown; for systemd and containers'
  }
]

/** Variables that are read elsewhere: by the client, and at the first start (a secret has no setting). */
export const otherVariables: readonly string[] = [
  'BLOCKTREE_FENCE',
  'BLOCKTREE_DATA',
  'BLOCKTREE_CONFIG',
  'BLOCKTREE_PASSPHRASE',
  'BLOCKTREE_SOCKET'
]
