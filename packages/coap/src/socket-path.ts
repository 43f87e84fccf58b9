/** Paths of Unix sockets that are to be listened on. */
import { lstatSync, unlinkSync } from 'node:fs'
import { createConnection } from 'node:net'
import { CoapError } from './coap-error.ts'

/** A socket that nobody answers at was left by a process that was killed; anything else is not touched. ERR_COAP_CONNECT. */
export async function prepareSocketPath(path: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined) return
  if (!status.isSocket())
    throw new CoapError('ERR_COAP_CONNECT', `cannot listen on "${path}": something else is there`)
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (isAlive) throw new CoapError('ERR_COAP_CONNECT', `cannot listen on "${path}": another process does`)
  unlinkSync(path)
}
