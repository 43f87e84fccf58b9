/** A harness that nobody closes: says which node it started, and waits to be killed. */
import { createHarness } from '../src/harness.ts'

const harness = createHarness()
const node = await harness.startNode('abandoned')
process.stdout.write(`${JSON.stringify({ pid: node.pid, directory: harness.directory })}\n`)
await node.exit
