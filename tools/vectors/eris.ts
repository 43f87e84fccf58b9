/** Vectors of doc/spec/25-eris.md where the official ones do not reach: texts, directory indexes, link files, refusals. */
import {
  ErisError,
  type TreeIndexItem,
  decodeCapability,
  decodeLinkFile,
  decodeTreeIndex,
  encodeCapability,
  encodeLinkFile,
  encodeTreeIndex,
  formatMagnet,
  formatUrn,
  parseMagnet,
  parseTreePath,
  parseUrn
} from '@blocktree/eris'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

/** Of empty content in blocks of 1 KiB under the null secret. */
const urn =
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
const capability = parseUrn(urn)
const bytes = encodeCapability(capability)

function refused(comment: string, input: VectorCase[string], read: () => unknown): VectorCase {
  try {
    read()
  } catch (error) {
    if (error instanceof ErisError) return { comment, input, error: error.code }
    throw error
  }
  throw new Error(`${comment}: accepted`)
}

const badUrn = (comment: string, text: string): VectorCase => refused(comment, text, () => parseUrn(text))
const badCapability = (comment: string, input: Uint8Array): VectorCase =>
  refused(comment, hex(input), () => decodeCapability(input))
const badIndex = (comment: string, input: string): VectorCase =>
  refused(comment, input, () => decodeTreeIndex(Uint8Array.fromHex(input)))
const badMagnet = (comment: string, text: string): VectorCase =>
  refused(comment, text, () => parseMagnet(text))

const items: readonly TreeIndexItem[] = [
  { path: parseTreePath('b'), entry: { kind: 'symlink', target: 'bin/run' } },
  { path: parseTreePath('bin/run'), entry: { kind: 'executable', capability } },
  { path: parseTreePath('ä'), entry: { kind: 'file', capability } }
]
const head = 'da657269748201'
const file = `8200d901145842${hex(bytes)}`
const link = { capability, contentBytes: 70_000, mediaType: 'text/plain', attributes: { title: 'ä' } }

export function generateVectors(): VectorPage {
  const linkFile = encodeLinkFile(link)
  const magnet = formatMagnet({ capability, name: 'a b', contentBytes: 0 })
  return {
    name: 'eris',
    specification: 'doc/spec/25-eris.md',
    comment:
      'capabilities: `urn` stands for `bytes`. indexes: `items` in any order give `bytes`; a file or executable has its `urn`, a ' +
      'link its `target`. linkFiles and magnets: the fields give `bytes` or `text`. refused…: `input` (hexadecimal, or text for ' +
      'URNs and magnets) is refused with `error`, the code of this implementation. Blocks: the official vectors of ERIS 1.0.0.',
    groups: {
      capabilities: [
        { comment: 'empty content, blocks of 1 KiB, null secret', urn, bytes: hex(bytes) },
        {
          comment: 'the highest level of large blocks',
          urn: formatUrn({ ...capability, blockSize: 32_768, level: 5 }),
          bytes: hex(encodeCapability({ ...capability, blockSize: 32_768, level: 5 }))
        }
      ],
      refusedUrns: [
        badUrn('lower case', urn.toLowerCase()),
        badUrn('a character too few', urn.slice(0, -1)),
        badUrn('unused bits that are not zero', urn.replace(/.$/u, 'N')),
        badUrn('padding', `${urn}======`),
        badUrn('an old draft', urn.replace('eris', 'erisx3'))
      ],
      refusedCapabilities: [
        badCapability('a byte too few', bytes.subarray(1)),
        badCapability('blocks of 2 KiB', bytes.with(0, 0x0b)),
        badCapability('level 12 of small blocks', bytes.with(1, 12)),
        badCapability('level 255', bytes.with(1, 255))
      ],
      indexes: [
        { comment: 'no entry', items: [], bytes: hex(encodeTreeIndex([])) },
        {
          comment: 'every kind; shorter keys come first',
          items: items.map(({ path, entry }) => ({
            path,
            kind: entry.kind,
            ...(entry.kind === 'symlink' ? { target: entry.target } : { urn: formatUrn(entry.capability) })
          })),
          bytes: hex(encodeTreeIndex(items))
        }
      ],
      refusedIndexes: [
        badIndex('version 2', 'da657269748202a0'),
        badIndex('an indefinite map', `${head}bfff`),
        badIndex('a count in two bytes that fits in one', `${head}b800`),
        badIndex('a byte behind the end', `${head}a000`),
        badIndex('a path twice', `${head}a2816161${file}816161${file}`),
        badIndex('a path as array and as text', `${head}a2816161${file}6161${file}`),
        badIndex('a path below a file', `${head}a2816161${file}8261616162${file}`),
        badIndex('"..", a name', `${head}a181622e2e${file}`),
        badIndex('an absolute path as text', `${head}a1622f61${file}`),
        badIndex('an empty path', `${head}a180${file}`),
        badIndex('a link without a target', `${head}a1816161820260`)
      ],
      linkFiles: [{ comment: 'with one attribute', ...link, capability: urn, bytes: hex(linkFile) }],
      refusedLinkFiles: [
        refused('cut short', hex(linkFile.subarray(0, -1)), () => decodeLinkFile(linkFile.subarray(0, -1))),
        refused('another tag', hex(linkFile.with(1, 0)), () => decodeLinkFile(linkFile.with(1, 0)))
      ],
      magnets: [{ comment: 'with name and length', urn, name: 'a b', contentBytes: 0, text: magnet }],
      refusedMagnets: [
        badMagnet('two contents', `${magnet}&xt=${urn}`),
        badMagnet('no content of ERIS', 'magnet:?xt=urn:btih:00')
      ]
    }
  }
}
