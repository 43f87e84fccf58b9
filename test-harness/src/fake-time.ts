/** Nodes with a wrong clock, by libfaketime: their wall clock is another one, time runs as fast, and nothing in them knows. */
import { existsSync } from 'node:fs'

const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1'
]

/** undefined where it is not installed. */
export function fakeTimeLibrary(): string | undefined {
  return libraries.find((path) => existsSync(path))
}

/** Settings of a node. @param time as faketime reads it: `+5h`, or `@2099-06-01 00:00:00` */
export function fakeTime(time: string): Readonly<Record<string, string>> {
  return { LD_PRELOAD: fakeTimeLibrary() ?? '', FAKETIME: time, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}
