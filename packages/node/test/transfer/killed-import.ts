/** A process that imports until somebody kills it: `killed-import.ts ROOM SOURCE`. */
import { newTransferFixture } from './transfer-fixture.ts'

const [room = '', source = ''] = process.argv.slice(2)
const fixture = await newTransferFixture({ root: room, name: 'fixture', keepKey: true })
const onProgress = ({ files }: { readonly files: number }): void => {
  if (files > 300) process.stdout.write('taken\n')
}
await fixture.transfer.importTree(fixture.actor, source, '/many', {}, { onProgress })
process.stdout.write('taken all\n')
setInterval(() => undefined, 1000)
