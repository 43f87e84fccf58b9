/** A node made again from a backup, as a person does it at the command line. */
import { spawnSync } from 'node:child_process'
import { blocktreeBinary } from '@blocktree/harness'

/** @returns the exit code of `blocktree init --restore` */
export function restoreInto(directory: string, file: string, passphrase: string): number | null {
  const line = [blocktreeBinary, 'init', '--data', directory, '--restore', file]
  // what is set for the tests is no setting of a node
  const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith('BLOCKTREE_'))
  const environment = { ...Object.fromEntries(foreign), BLOCKTREE_PASSPHRASE: passphrase }
  return spawnSync(process.execPath, line, { env: environment, stdio: 'ignore' }).status
}
