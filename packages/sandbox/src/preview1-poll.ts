/**
 * `poll_oneoff` of WASI preview 1: how guests sleep. The standard descriptors are always ready (stdin at its end), any
 * other is answered at once with EBADF.
 */
import { errno, type Preview1Host } from './preview1-host.ts'

const subscriptionBytes = 48
const eventBytes = 32
const subscriptionsMax = 64
const tagClock = 0
const descriptorMax = 2
const flagAbsolute = 1
const sleepMsMax = 60_000 // the deadline of the invocation ends longer ones

interface Subscription {
  readonly userData: bigint
  readonly tag: number
  readonly error: number
  /** Milliseconds from now. */
  readonly waitMs: number
}

/** Waits for the earliest clock; writes one event for each that is due. RangeError outside the memory. */
export function pollClocks(
  memory: DataView,
  [input = 0, output = 0, count = 0, result = 0]: readonly number[],
  host: Pick<Preview1Host, 'realTime' | 'monotonicTime' | 'sleep'>
): number {
  if (count === 0 || count > subscriptionsMax) return errno.inval
  const subscriptions = Array.from({ length: count }, (_, index) =>
    readSubscription(memory, input + index * subscriptionBytes, host)
  )
  const waitMs = Math.min(...subscriptions.map((subscription) => subscription.waitMs))
  if (waitMs > 0) host.sleep(Math.min(waitMs, sleepMsMax))
  const due = subscriptions.filter((subscription) => subscription.waitMs <= waitMs)
  due.forEach((subscription, index) => writeEvent(memory, output + index * eventBytes, subscription))
  memory.setUint32(result, due.length, true)
  return errno.success
}

function readSubscription(
  memory: DataView,
  at: number,
  host: Pick<Preview1Host, 'realTime' | 'monotonicTime'>
): Subscription {
  const userData = memory.getBigUint64(at, true)
  const tag = memory.getUint8(at + 8)
  if (tag !== tagClock) {
    const isStandard = memory.getUint32(at + 16, true) <= descriptorMax
    return { userData, tag, error: isStandard ? errno.success : errno.badf, waitMs: 0 }
  }
  const clock = memory.getUint32(at + 16, true)
  if (clock > 1) return { userData, tag, error: errno.inval, waitMs: 0 }
  const timeout = memory.getBigUint64(at + 24, true)
  const isAbsolute = (memory.getUint16(at + 40, true) & flagAbsolute) !== 0
  const now = clock === 0 ? host.realTime() : host.monotonicTime()
  const wait = isAbsolute ? timeout - now : timeout
  return { userData, tag, error: errno.success, waitMs: wait > 0n ? Number(wait) / 1e6 : 0 }
}

function writeEvent(memory: DataView, at: number, { userData, error, tag }: Subscription): void {
  for (let offset = 0; offset < eventBytes; offset += 8) memory.setBigUint64(at + offset, 0n, true)
  memory.setBigUint64(at, userData, true)
  memory.setUint16(at + 8, error, true)
  memory.setUint8(at + 10, tag)
}
