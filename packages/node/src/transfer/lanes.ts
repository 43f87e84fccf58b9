/** Steps of a long operation, several at a time: whoever is done takes the next. */
export type Step = () => Promise<void>

/**
 * Resolves when all steps are done. After a failure or an abort no further step is begun, those under way are awaited,
 * and the first error is thrown.
 */
export async function runLanes(
  steps: AsyncGenerator<Step>,
  lanes: number,
  signal: AbortSignal | undefined
): Promise<void> {
  const failures: unknown[] = []
  const isOver = (): boolean => failures.length > 0 || signal?.aborted === true
  const lane = async (): Promise<void> => {
    try {
      while (!isOver()) {
        const next = await steps.next()
        if (next.done === true || isOver()) return
        await next.value()
      }
    } catch (error) {
      failures.push(error)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  await steps.return(undefined)
  signal?.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}

/** Results in order, at most `width` under way; the first failure stops the rest. */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>
): Promise<readonly Result[]> {
  const results: Result[] = []
  async function* steps(): AsyncGenerator<Step> {
    for (const [index, item] of items.entries()) {
      yield async () => {
        results[index] = await work(item)
      }
    }
  }
  await runLanes(steps(), width, undefined)
  return results
}
