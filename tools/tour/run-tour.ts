/** The order of the steps, and what happens when one does not hold or somebody presses Ctrl-C. */
import { createHarness, type LogEntry } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { expectAppBack, installApp, revokeApp } from './apps.ts'
import { createNarrator, duration, TourFailure } from './narrator.ts'
import { checkStore, killWhileWriting, restartAndVerify } from './power-cut.ts'
import { exportAndCompare, importDirectory, listDirectory } from './real-files.ts'
import { shareWithBob, shutBobOut } from './sharing.ts'
import { startNode } from './start-node.ts'
import type { Tour } from './tour.ts'

export interface TourOptions {
  /** Leaves the temporary directory behind. */
  readonly keep: boolean
  /** The real directory that is imported. */
  readonly source: string
}

/** @returns the exit code */
export async function runTour({ keep, source }: TourOptions): Promise<number> {
  const started = performance.now()
  const hasColour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
  const narrator = createNarrator(process.stdout, hasColour)
  const harness = createHarness<NodeMethods>({
    table: nodeMethodTable,
    keep,
    // the import takes node_modules as it is: the node must not write its compiled code there meanwhile
    environment: { NODE_DISABLE_COMPILE_CACHE: '1', BLOCKTREE_LOG_LEVEL: 'warn' }
  })
  const interrupted = onInterrupt()
  narrator.say('A tour of Blocktree with a real node. Nothing outside its temporary directory is changed.')
  try {
    const node = harness.prepareNode('node', { arguments: ['--apps-port', '0'] })
    const ended = await Promise.race([takeSteps({ narrator, harness, node, source }), interrupted.promise])
    if (ended === 'interrupted') {
      narrator.say('Stopped; cleaning up.')
      return 130
    }
    narrator.summary()
    narrator.say(`The whole tour took ${duration(performance.now() - started)}.`)
    return 0
  } catch (error) {
    explainFailure(
      error,
      harness.nodes.flatMap((node) => node.log)
    )
    return 1
  } finally {
    interrupted.forget()
    await harness.close()
    if (keep) narrator.say(`Left behind, as --keep asks: ${harness.directory}`)
  }
}

async function takeSteps(tour: Tour): Promise<'finished'> {
  await startNode(tour)
  const imported = await importDirectory(tour)
  await listDirectory(tour, imported)
  await exportAndCompare(tour, imported)
  const grant = await shareWithBob(tour)
  await shutBobOut(tour, grant)
  await installApp(tour)
  await revokeApp(tour)
  const written = await killWhileWriting(tour)
  await restartAndVerify(tour, written)
  await expectAppBack(tour)
  await checkStore(tour)
  return 'finished'
}

interface Interruption {
  readonly promise: Promise<'interrupted'>
  forget(): void
}

function onInterrupt(): Interruption {
  const { promise, resolve } = Promise.withResolvers<'interrupted'>()
  const listener = (): void => resolve('interrupted')
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, listener)
  return {
    promise,
    forget() {
      for (const signal of signals) process.off(signal, listener)
    }
  }
}

function explainFailure(error: unknown, log: readonly LogEntry[]): void {
  const message = error instanceof Error ? error.message : String(error)
  console.error(error instanceof TourFailure ? `\n   ✗ this did not hold: ${message}` : `\n   ✗ ${message}`)
  for (const { fields, text } of log) {
    if (fields?.['level'] === 'warn' || fields?.['level'] === 'error') console.error(`     node: ${text}`)
  }
}
