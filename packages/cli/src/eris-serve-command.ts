/** The daemon of ERIS blocks as a command; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'

export const erisServeCommand: CommandDefinition = {
  name: 'eris serve',
  group: 'Content by URN',
  summary: 'Share a store of ERIS blocks with other programs, until Ctrl-C or SIGTERM; needs no node',
  description:
    'Speaks CoAP (Unix socket, TCP, UDP) and HTTP with any program for ERIS. Blocks are encrypted and checked on every way, so nobody can read or change contents through it. An address or a store takes permissions behind "?": get, put (both when neither is said). An address may say "decode" (HTTP: contents too), "mode=660" (Unix socket) and "ask" (those who connect are asked for what is missing), a store or peer "cache", a peer "serve" (it may ask on the same connection).',
  arguments: [],
  options: [
    {
      name: 'listen',
      value: 'URL',
      isRepeated: true,
      summary:
        'coap+unix:///PATH, coap+tcp://HOST:PORT, coap://HOST:PORT, http://HOST:PORT or http+unix:///PATH [coap+unix://$XDG_RUNTIME_DIR/eris.sock]'
    },
    {
      name: 'store',
      value: 'URL',
      isRepeated: true,
      summary:
        'where blocks are kept: sqlite:FILE, dir+file:///DIR, cbor+file:///FILE or memory: (ERIS_STORE_URL; else a database of this user)'
    },
    {
      name: 'peer',
      value: 'URL',
      isRepeated: true,
      summary: 'ask this store for what is not here: coap+tcp://HOST?get, http://HOST:PORT?get'
    },
    {
      name: 'recent',
      value: 'BYTES',
      summary: 'memory for the blocks that were used last; 0 for none [67108864]'
    },
    { name: 'connections', value: 'COUNT', summary: 'connections of one address at most [1024]' }
  ],
  examples: [
    ['blocktree eris serve', 'for the programs of this user'],
    [
      "blocktree eris serve --store sqlite:/var/lib/eris/blocks.db --listen 'coap+unix:///run/eris.sock?mode=666' --listen 'http://0.0.0.0:8080?get'",
      'for all users of the machine; others may fetch over HTTP'
    ],
    [
      "blocktree eris serve --store memory:?cache --peer 'coap+tcp://example.org?get' --json",
      'keeps what others have; the log as JSON'
    ]
  ],
  load: () => import('./commands/eris-serve.ts')
}
