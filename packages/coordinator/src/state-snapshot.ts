/** The agreed state as bytes (doc/spec/29-coordinator.md, section 5): `[1, sessions, locks, sequences]`, in the order they were made. */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { CoordinatorError } from './coordinator-error.ts'
import { type CommandResult, readResult, writeResult } from './command-result.ts'
import { CoordinatorState, type Lock, type Session, type Waiter } from './coordinator-state.ts'
import {
  memberBytesMax,
  nameBytesMax,
  resultsPerSessionMax,
  stateBytesMax,
  ttlMsMax,
  waitersMax
} from './limits.ts'

const format = 1
/** More than the limit on the size of the state allows of anything. */
const countMax = stateBytesMax / 24

export function encodeState(state: CoordinatorState): Uint8Array {
  const writer = new CanonicalWriter(4096).array(4).uint(format)
  writer.array(state.sessions.size)
  for (const [id, session] of state.sessions) writeSession(writer, id, session)
  writer.array(state.locks.size)
  for (const [name, lock] of state.locks) writeLock(writer, name, lock)
  writer.array(state.sequences.size)
  for (const [name, last] of state.sequences) writer.array(2).str(name).uint(last)
  return writer.finish()
}

function writeSession(writer: CanonicalWriter, id: number, session: Session): void {
  writer.array(5).uint(id).str(session.member).uint(session.nonce).uint(session.floor)
  writer.array(session.results.size)
  for (const [request, result] of session.results) writeResult(writer.array(2).uint(request), result)
}

function writeLock(writer: CanonicalWriter, name: string, lock: Lock): void {
  writer.array(7).str(name).uint(lock.token).uint(lock.session).uint(lock.request).uint(lock.ttlMs)
  writer.uint(lock.renewals).array(lock.waiters.length)
  for (const waiter of lock.waiters) {
    writer.array(3).uint(waiter.session).uint(waiter.request).uint(waiter.ttlMs)
  }
}

/** Errors: `ERR_COORDINATOR_MALFORMED`, or that of the codec. */
export function decodeState(bytes: Uint8Array): CoordinatorState {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(4)
  if (reader.uint() !== format) throw malformed('the state has another format')
  const sessions = readMap(reader, readSession)
  const locks = readMap(reader, readLock)
  const sequences = readMap(reader, (): [string, number] => {
    reader.arrayOf(2)
    return [reader.str(nameBytesMax), reader.uint()]
  })
  reader.end()
  return new CoordinatorState({ sessions, locks, sequences })
}

function readMap<K, V>(reader: CanonicalReader, read: (reader: CanonicalReader) => [K, V]): Map<K, V> {
  const count = reader.array(countMax)
  const map = new Map<K, V>()
  for (let index = 0; index < count; index++) {
    const [key, value] = read(reader)
    if (map.has(key)) throw malformed(`the state holds ${String(key)} twice`)
    map.set(key, value)
  }
  return map
}

function readSession(reader: CanonicalReader): [number, Session] {
  reader.arrayOf(5)
  const id = reader.uint()
  const member = reader.str(memberBytesMax)
  const nonce = reader.uint()
  const floor = reader.uint()
  const count = reader.array(resultsPerSessionMax)
  const results = new Map<number, CommandResult>()
  for (let index = 0; index < count; index++) {
    reader.arrayOf(2)
    results.set(reader.uint(), readResult(reader))
  }
  return [id, { member, nonce, floor, results }]
}

function readLock(reader: CanonicalReader): [string, Lock] {
  reader.arrayOf(7)
  const name = reader.str(nameBytesMax)
  const lock = {
    token: reader.uint(),
    session: reader.uint(),
    request: reader.uint(),
    ttlMs: reader.uint(ttlMsMax)
  }
  const renewals = reader.uint()
  const waiting = reader.array(waitersMax)
  const waiters: Waiter[] = []
  for (let index = 0; index < waiting; index++) {
    reader.arrayOf(3)
    waiters.push({ session: reader.uint(), request: reader.uint(), ttlMs: reader.uint(ttlMsMax) })
  }
  return [name, { ...lock, renewals, waiters }]
}

function malformed(message: string): CoordinatorError {
  return new CoordinatorError('ERR_COORDINATOR_MALFORMED', message)
}
