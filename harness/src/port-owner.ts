/** Whose connection is it? Linux says it in /proc: the socket of a local port, and the process that holds the socket. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** True where `ownerOfPort` can answer. */
export const knowsPortOwners: boolean = process.platform === 'linux'

/** @returns that of `pids` which holds a TCP connection from `localPort` to `remotePort`; undefined when none does */
export function ownerOfPort(
  localPort: number,
  remotePort: number,
  pids: readonly number[]
): number | undefined {
  if (!knowsPortOwners) return undefined
  const inode = inodeOf(localPort, remotePort)
  return inode === undefined ? undefined : pids.find((pid) => holds(pid, `socket:[${inode}]`))
}

function inodeOf(localPort: number, remotePort: number): string | undefined {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readTable(table)) {
      const columns = line.trim().split(/\s+/)
      if (portOf(columns[1]) === localPort && portOf(columns[2]) === remotePort && columns[9] !== '0')
        return columns[9]
    }
  }
  return undefined
}

function readTable(path: string): readonly string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').slice(1)
  } catch {
    return [] // no IPv6
  }
}

/** Of "0100007F:1F90". */
function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16)
}

function holds(pid: number, socket: string): boolean {
  const directory = `/proc/${pid}/fd`
  try {
    return readdirSync(directory).some((name) => isLink(`${directory}/${name}`, socket))
  } catch {
    return false // it has ended
  }
}

function isLink(path: string, target: string): boolean {
  try {
    return readlinkSync(path) === target
  } catch {
    return false // closed meanwhile
  }
}
