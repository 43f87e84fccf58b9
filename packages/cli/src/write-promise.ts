/** What a command that writes says of the copies: one line where other nodes keep the tree too, and `--wait` for more. */
import type { Wait, WritePromise } from '@blocktree/node/method-table'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { formatCount } from './format.ts'

/** Parameters of a method that writes. @throws ERR_OPTION_VALUE */
export function waitParams({ options }: Pick<CommandContext, 'options'>): { readonly wait?: Wait } {
  const seconds = options.integer('timeout', 1)
  if (!options.has('wait')) {
    if (seconds === undefined) return {}
    throw new CliError('ERR_OPTION_VALUE', '--timeout is for the nodes that are waited for', {
      advice: 'say how many with --wait NODES'
    })
  }
  const copies = options.text('wait') === 'all' ? 'all' : (options.integer('wait', 1) ?? 1)
  return { wait: { copies, ...(seconds === undefined ? {} : { timeoutMs: seconds * 1000 }) } }
}

export interface PromiseNotes {
  /** Says it, unless it was just said of another write. */
  say(promise: WritePromise): void
  /** After everything was written. ERR_PROMISE_FEW when fewer nodes promised than were waited for. */
  end(): void
}

/** For one run of a command, which may write several times. */
export function createPromiseNotes({ output }: Pick<CommandContext, 'output'>): PromiseNotes {
  let said: string | undefined
  let least: WritePromise | undefined
  return {
    say(promise) {
      if (promise.isReached === false && (least === undefined || promise.kept < least.kept)) least = promise
      const line = promise.isReached === false ? undefined : promiseLine(promise)
      if (line !== undefined && line !== said) output.note(line)
      said = line
    },
    end() {
      if (least === undefined) return
      throw new CliError(
        'ERR_PROMISE_FEW',
        `it is written here, but only ${least.kept} of ${formatCount(least.of, 'node')} promised to keep it in time, fewer than were waited for`,
        {
          advice:
            least.kept >= least.of
              ? 'no further node keeps this; "blocktree node invite" adds one'
              : 'it is sent to the others when they can be reached; "blocktree sync status" shows the peers, "blocktree receipts PATH" who promised'
        }
      )
    }
  }
}

/** undefined where no other node keeps it. */
export function promiseLine({ kept, of, wanted, isPending }: WritePromise): string | undefined {
  if (of <= 1 && !isPending) return undefined
  if (isPending) return "pending: the other nodes can't be reached; kept here, sent when they are back"
  if (kept >= of) return `on all ${of} nodes`
  if (kept >= wanted) return `on ${kept} of ${of} nodes, as wanted`
  return wanted < of
    ? `on ${kept} of ${of} nodes; ${wanted} are wanted, the others follow`
    : `on ${kept} of ${of} nodes; the others follow`
}
