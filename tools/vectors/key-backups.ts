/** Vectors of doc/spec/13-configuration.md, section 6: key files sealed under a passphrase. */
import { concatBytes } from '@blocktree/codec'
import { aead, passwordBytes } from '@blocktree/crypto'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { crypto, filled } from '../vector-tree.ts'

const passphrase = 'correct horse battery'
const files = { node: filled(108, 1), root: filled(184, 2) }
const content = JSON.stringify({ node: files.node.toBase64(), root: files.root.toBase64() })

export async function generateVectors(): Promise<VectorPage> {
  const backup = await sealed(content)
  const refuse = (comment: string, bytes: Uint8Array, typed = passphrase): VectorCase => ({
    comment,
    backup: hex(bytes),
    passphrase: typed,
    error: 'ERR_KEY_BACKUP'
  })
  const changed = (comment: string, at: number, value: number): VectorCase =>
    refuse(
      comment,
      Uint8Array.from(backup, (byte, index) => (index === at ? value : byte))
    )
  return {
    name: 'key-backups',
    specification: 'doc/spec/13-configuration.md',
    comment:
      '`backup` is a whole file, `passphrase` what is typed, `files` the key files in it. The cost is far below what a node uses.',
    groups: {
      accept: [
        {
          comment: 'two key files',
          backup: hex(backup),
          passphrase,
          files: { node: hex(files.node), root: hex(files.root) }
        },
        { comment: 'none', backup: hex(await sealed('{}')), passphrase, files: {} }
      ],
      refuse: [
        refuse('another passphrase', backup, 'correct horse batterie'),
        refuse('no bytes', new Uint8Array(0)),
        refuse('a head cut short', backup.subarray(0, 63)),
        refuse('nothing behind the head', backup.subarray(0, 64)),
        refuse('a byte less', backup.subarray(0, -1)),
        refuse('a byte more', concatBytes(backup, Uint8Array.of(0))),
        changed('another magic', 2, 0x62),
        changed('version 2', 8, 2),
        changed('more memory than 1 GiB', 9, 1),
        changed('no passes', 14, 0),
        changed('no lanes', 15, 0),
        changed('more than 64 lanes', 15, 65),
        changed('another salt', 16, 9),
        changed('another commitment', 40, 0),
        changed('a changed bit behind the head', 70, (backup[70] ?? 0) ^ 1),
        refuse('not JSON', await sealed('{')),
        refuse('an array', await sealed('[]')),
        refuse('a file that is a number', await sealed('{"node":1}')),
        refuse('a name that leads elsewhere', await sealed('{"../root":""}')),
        refuse('a name of 65 characters', await sealed(`{"${'n'.repeat(65)}":""}`)),
        refuse('a file that is no base64', await sealed('{"node":"*"}'))
      ]
    }
  }
}

async function sealed(plain: string): Promise<Uint8Array> {
  const start = concatBytes(
    new TextEncoder().encode('btkeys\r\n'),
    Uint8Array.of(1, 0, 0, 0, 64, 0, 1, 1),
    filled(16, 3)
  )
  const cost = { memoryKib: 64, passes: 1, parallelism: 1 }
  const derived = await crypto.argon2id(passwordBytes(passphrase), crypto.sha256(start), cost, 64)
  const head = concatBytes(start, derived.subarray(32))
  const text = new TextEncoder().encode(plain)
  return concatBytes(
    head,
    crypto.aeadSeal(aead.chacha20Poly1305, derived.slice(0, 32), new Uint8Array(12), head, text)
  )
}
