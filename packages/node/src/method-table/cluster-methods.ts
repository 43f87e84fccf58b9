/** Joining, members, addresses, peers and messages: what a person and a program ask about other nodes. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import {
  type Empty,
  identifier,
  path,
  principalName,
  type Shape,
  size,
  type SubscriptionShape,
  timeMs
} from './shape.ts'

export interface InvitationSummary {
  readonly id: string
  readonly name: string
  readonly path: string
  /** `read` among them. */
  readonly rights: readonly string[]
  readonly isApproved: boolean
  readonly expiresMs: number
  readonly state: 'open' | 'waiting' | 'approved' | 'refused'
  /** The principal that used it. */
  readonly usedBy?: string | undefined
}

export interface JoinCandidate {
  readonly principal: string
  /** For comparing with what the new node shows. */
  readonly fingerprint: string
  /** What it calls itself: text of a stranger. */
  readonly name: string
  readonly path: string
  readonly rights: readonly string[]
}

export interface MemberSummary {
  readonly principal: string
  readonly name: string
  readonly fingerprint: string
  readonly isSelf: boolean
  readonly isConnected: boolean
  /** What its caps allow, by place. */
  readonly caps: readonly { readonly path: string; readonly rights: readonly string[] }[]
  /** What it says of itself, signed; empty when nothing is known. */
  readonly addresses: readonly string[]
  /** What a person gave. */
  readonly manualAddresses: readonly string[]
  readonly lastAddress?: string | undefined
  readonly roundTripMs?: number | undefined
}

export type PeerTransport = 'tls' | 'tcp' | 'websocket' | 'quic'

export interface PeerSummary {
  readonly principal: string
  readonly name: string
  readonly standing: 'stranger' | 'peer' | 'member'
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
  readonly isRelayed: boolean
  /** Who passes the bytes on: its name where it is known, else its peer id. */
  readonly relay?: string | undefined
  readonly transport: PeerTransport
  /** How its address was found; absent for a peer that dialled this node. */
  readonly foundBy?: 'book' | 'mdns' | 'dht' | 'relay' | undefined
  readonly connectedMs: number
  readonly clockOffsetMs: number
  readonly features: readonly string[]
  readonly bytesIn: number
  readonly bytesOut: number
  readonly roundTripMs?: number | undefined
}

/** A transport key that may not connect for a while. */
export interface ShutOutPeer {
  readonly transportKey: string
  /** The name of its principal here, or its id; absent when it never proved one. */
  readonly principal?: string | undefined
  /** `ERR_PEER_HELLO`, `ERR_PEER_RECORDS` or `ERR_PEER_REFUSALS`. */
  readonly code: string
  readonly untilMs: number
}

/** A message to this node, as a program gets it. */
export interface IncomingMessage {
  /** For `message.reply` and `message.done`. */
  readonly message: number
  /** The sending node, proven, and what it is called here. */
  readonly from: string
  readonly name: string
  /** What the sending node says: an app there. */
  readonly fromApp?: string | undefined
  /** In whose name it was sent. */
  readonly treeId: string
  readonly topic: string
  readonly content: Uint8Array
  /** Milliseconds in which an answer is awaited; absent when none is. */
  readonly replyWithinMs?: number | undefined
}

export interface ClusterMethods {
  readonly 'node.invite': Shape<
    {
      readonly path?: string | undefined
      readonly share?: boolean | undefined
      readonly rights?: readonly string[] | undefined
      readonly approved?: boolean | undefined
      readonly name?: string | undefined
      readonly lifeMs?: number | undefined
    },
    {
      readonly code: string
      readonly invitation: string
      readonly expiresMs: number
      readonly addresses: readonly string[]
    }
  >
  readonly 'node.join': Shape<
    { readonly code: string; readonly name?: string | undefined },
    { readonly treeId: string; readonly path: string; readonly rights: readonly string[] }
  >
  readonly 'node.invitations': Shape<Empty, { readonly invitations: readonly InvitationSummary[] }>
  readonly 'node.uninvite': Shape<{ readonly invitation: string }, Empty>
  readonly 'node.candidates': Shape<Empty, { readonly candidates: readonly JoinCandidate[] }>
  readonly 'node.approve': Shape<
    { readonly candidate: string },
    { readonly principal: string; readonly name: string }
  >
  readonly 'node.refuse': Shape<
    { readonly candidate: string },
    { readonly principal: string; readonly name: string }
  >
  readonly 'node.members': Shape<
    { readonly path?: string | undefined },
    { readonly members: readonly MemberSummary[] }
  >
  readonly 'node.rename': Shape<{ readonly name: string }, { readonly name: string }>
  readonly 'node.remove': Shape<
    {
      readonly principal: string
      readonly sinceMs?: number | undefined
      readonly confirm?: boolean | undefined
    },
    {
      readonly caps: number
      readonly grants: number
      readonly quarantined: number
      readonly zonesRekeyed: number
    }
  >
  readonly 'node.addAddress': Shape<{ readonly principal: string; readonly address: string }, Empty>
  readonly 'node.removeAddress': Shape<{ readonly principal: string; readonly address: string }, Empty>
  readonly 'peer.list': Shape<
    Empty,
    {
      readonly isOpen: boolean
      /** Of this node, for addresses of it that others are told: "…/p2p/ID". */
      readonly peerId?: string | undefined
      readonly addresses: readonly string[]
      readonly peers: readonly PeerSummary[]
      readonly shutOut: readonly ShutOutPeer[]
    }
  >
  readonly 'message.send': Shape<
    {
      readonly to: string
      readonly app?: string | undefined
      readonly topic: string
      readonly content: Uint8Array
      readonly replyWithinMs?: number | undefined
    },
    { readonly takenBy: string; readonly reply?: Uint8Array | undefined }
  >
  readonly 'message.listen': SubscriptionShape<
    { readonly topic: string; readonly path?: string | undefined },
    { readonly subscription: number },
    IncomingMessage
  >
  readonly 'message.reply': Shape<{ readonly message: number; readonly content: Uint8Array }, Empty>
  readonly 'message.done': Shape<{ readonly message: number }, Empty>
}

const text = schema.string()
const word = schema.string({ charactersMin: 1, charactersMax: 255 })
const address = schema.described(schema.string({ charactersMin: 2, charactersMax: 256 }), 'multiaddr')
const rights = schema.array(text)
const flag = schema.boolean()
const count = schema.integer({ min: 0 })
const invitationId = schema.described(
  schema.string({ charactersMin: 16, charactersMax: 16 }),
  '16 hex digits'
)
const candidate = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 100 }),
  'principal id, fingerprint or the name it calls itself'
)
const code = schema.described(text, 'secret; never logged')
const topicText = schema.string({ charactersMax: 1024 })
const who = schema.object({ principal: identifier, name: text })

const member = schema.object({
  principal: identifier,
  name: text,
  fingerprint: text,
  isSelf: flag,
  isConnected: flag,
  caps: schema.array(schema.object({ path: text, rights })),
  addresses: schema.array(text),
  manualAddresses: schema.array(text),
  lastAddress: schema.optional(text),
  roundTripMs: schema.optional(schema.number())
})

const shutOutPeer = schema.object({
  transportKey: schema.string(),
  principal: schema.optional(schema.string()),
  code: schema.described(schema.string(), 'ERR_PEER_HELLO, ERR_PEER_RECORDS or ERR_PEER_REFUSALS'),
  untilMs: timeMs
})
const peer = schema.object({
  principal: identifier,
  name: text,
  standing: schema.enumeration(['stranger', 'peer', 'member']),
  address: text,
  direction: schema.enumeration(['inbound', 'outbound']),
  isRelayed: flag,
  relay: schema.optional(text),
  transport: schema.enumeration(['tls', 'tcp', 'websocket', 'quic']),
  foundBy: schema.optional(schema.enumeration(['book', 'mdns', 'dht', 'relay'])),
  connectedMs: timeMs,
  clockOffsetMs: schema.integer(),
  features: schema.array(text),
  bytesIn: size,
  bytesOut: size,
  roundTripMs: schema.optional(schema.number())
})

const definitions = [
  defineMethod({
    name: 'node.invite',
    summary: 'Makes a one-time code with which another node joins the tree, or with `share` follows a share',
    description:
      'With the code a node becomes a member with the right to host. With `share` the code is for a node of somebody else: it gets the rights named (read, when none are), and keeps a copy in step without being a member.',
    params: schema.object({
      path: schema.optional(path),
      share: schema.optional(flag),
      rights: schema.optional(schema.array(word)),
      approved: schema.optional(flag),
      name: schema.optional(word),
      lifeMs: schema.optional(schema.integer({ min: 60_000, max: 7 * 86_400_000 }))
    }),
    result: schema.object({
      code,
      invitation: invitationId,
      expiresMs: timeMs,
      addresses: schema.array(text)
    }),
    errors: errors('ERR_NETWORK_OFF', 'ERR_RIGHT_UNKNOWN', 'ERR_FILE_NOT_FOUND', 'ERR_INVITATION_LIMIT')
  }),
  defineMethod({
    name: 'node.join',
    summary: 'Takes part in a further tree, or in a share of one, with a code of one of its nodes',
    description:
      'Answers once the owner there has agreed, with progress while the owner is asked. Rights are those of the node principal; what was given is kept as a hosted tree and replicated from then on.',
    params: schema.object({ code, name: schema.optional(word) }),
    result: schema.object({ treeId: identifier, path: text, rights }),
    errors: errors(
      'ERR_NETWORK_OFF',
      'ERR_INVITATION_CODE',
      'ERR_INVITATION_REFUSED',
      'ERR_INVITER_UNREACHABLE',
      'ERR_JOIN_REFUSED',
      'ERR_JOIN_PROOF',
      'ERR_TREE_JOINED',
      'ERR_TREE_LIMIT'
    )
  }),
  defineMethod({
    name: 'node.invitations',
    summary: 'Invitations that have not ended, without their codes',
    result: schema.object({
      invitations: schema.array(
        schema.object({
          id: invitationId,
          name: text,
          path: text,
          rights,
          isApproved: flag,
          expiresMs: timeMs,
          state: schema.enumeration(['open', 'waiting', 'approved', 'refused']),
          usedBy: schema.optional(identifier)
        })
      )
    })
  }),
  defineMethod({
    name: 'node.uninvite',
    summary: 'Takes an invitation back; who has joined with it stays',
    params: schema.object({ invitation: invitationId }),
    errors: errors('ERR_JOIN_UNKNOWN')
  }),
  defineMethod({
    name: 'node.candidates',
    summary: 'Nodes that have used a code and wait for a word',
    result: schema.object({
      candidates: schema.array(
        schema.object({ principal: identifier, fingerprint: text, name: text, path: text, rights })
      )
    })
  }),
  defineMethod({
    name: 'node.approve',
    summary: 'Lets a waiting node in',
    params: schema.object({ candidate }),
    result: who,
    errors: errors('ERR_JOIN_UNKNOWN', 'ERR_ACCESS_DENIED')
  }),
  defineMethod({
    name: 'node.refuse',
    summary: 'Sends a waiting node away; its code cannot be used again',
    params: schema.object({ candidate }),
    result: who,
    errors: errors('ERR_JOIN_UNKNOWN')
  }),
  defineMethod({
    name: 'node.members',
    summary: 'The nodes of the tree that the path is in: who may host, what else they may, where they are',
    params: schema.object({ path: schema.optional(path) }),
    result: schema.object({ members: schema.array(member) })
  }),
  defineMethod({
    name: 'node.rename',
    summary: 'Says what this node is called on all nodes',
    description:
      'The name is signed by the node and travels with the tree. Answers how it is shown: with the end of the id behind it when another node says the same.',
    params: schema.object({ name: word }),
    result: schema.object({ name: text }),
    errors: errors('ERR_PRINCIPAL_NAME')
  }),
  defineMethod({
    name: 'node.remove',
    summary:
      'Takes all rights of a node back and forgets its addresses; keys change, what it wrote stays up to now',
    params: schema.object({
      principal: principalName,
      sinceMs: schema.optional(timeMs),
      confirm: schema.optional(flag)
    }),
    result: schema.object({ caps: count, grants: count, quarantined: count, zonesRekeyed: count }),
    errors: errors('ERR_MEMBER_UNKNOWN', 'ERR_ROOT_NEEDED', 'ERR_CONFIRMATION_ABSENT')
  }),
  defineMethod({
    name: 'node.addAddress',
    summary: 'Says where a member can be dialled, beside what it says itself',
    params: schema.object({ principal: principalName, address }),
    errors: errors('ERR_PRINCIPAL_UNKNOWN', 'ERR_ADDRESS_INVALID', 'ERR_NETWORK_OFF')
  }),
  defineMethod({
    name: 'node.removeAddress',
    summary: 'Forgets an address that was added',
    params: schema.object({ principal: principalName, address }),
    errors: errors('ERR_PRINCIPAL_UNKNOWN', 'ERR_ADDRESS_INVALID')
  }),
  defineMethod({
    name: 'peer.list',
    summary: 'Who is connected, and where this node is reached; nothing listens while it is not open',
    result: schema.object({
      isOpen: flag,
      peerId: schema.optional(text),
      addresses: schema.array(text),
      peers: schema.array(peer),
      shutOut: schema.array(shutOutPeer)
    })
  }),
  defineMethod({
    name: 'message.send',
    summary: 'Sends a message to a node or one of its apps; answers when it was taken, or with its reply',
    params: schema.object({
      to: schema.described(
        schema.string({ charactersMin: 1, charactersMax: 4096 }),
        'name, principal id or path'
      ),
      app: schema.optional(word),
      topic: topicText,
      content: schema.bytes({ bytesMax: 1024 * 1024 }),
      replyWithinMs: schema.optional(schema.integer({ min: 1, max: 3_600_000 }))
    }),
    result: schema.object({ takenBy: identifier, reply: schema.optional(schema.bytes()) }),
    errors: errors(
      'ERR_PRINCIPAL_UNKNOWN',
      'ERR_FILE_NOT_FOUND',
      'ERR_TREE_NOT_HOSTED',
      'ERR_MESSAGE_UNREACHABLE',
      'ERR_MESSAGE_UNHEARD',
      'ERR_MESSAGE_DENIED',
      'ERR_MESSAGE_BUSY',
      'ERR_MESSAGE_SIZE',
      'ERR_MESSAGE_TIMEOUT'
    )
  }),
  defineMethod({
    name: 'message.listen',
    summary: 'Takes messages to this node on a topic until it is unsubscribed',
    description:
      'One program takes a topic. Each message is answered (message.reply) or finished (message.done), which makes room for more: while 256 or 16 MiB wait, senders are refused with ERR_MESSAGE_BUSY. Messages come from nodes with a right in a tree kept here; `path` narrows that to the tree that it is in.',
    params: schema.object({ topic: topicText, path: schema.optional(path) }),
    result: schema.object({ subscription: size }),
    event: schema.object({
      message: count,
      from: identifier,
      name: text,
      fromApp: schema.optional(text),
      treeId: identifier,
      topic: text,
      content: schema.bytes(),
      replyWithinMs: schema.optional(count)
    }),
    errors: errors('ERR_TOPIC_TAKEN', 'ERR_TREE_NOT_HOSTED')
  }),
  defineMethod({
    name: 'message.reply',
    summary: 'Answers a message of message.listen, once',
    params: schema.object({ message: count, content: schema.bytes({ bytesMax: 1024 * 1024 }) }),
    errors: errors(
      'ERR_MESSAGE_UNKNOWN',
      'ERR_MESSAGE_UNREACHABLE',
      'ERR_MESSAGE_UNHEARD',
      'ERR_MESSAGE_DENIED',
      'ERR_MESSAGE_BUSY',
      'ERR_MESSAGE_SIZE',
      'ERR_MESSAGE_TIMEOUT'
    )
  }),
  defineMethod({
    name: 'message.done',
    summary: 'Says that a message of message.listen is finished; without effect when it was',
    params: schema.object({ message: count })
  })
] as const

export const clusterMethodTable: MethodTable<ClusterMethods> = createMethodTable(definitions)
