import type { Scenario } from './scenario.ts'
import { backupAndRestore } from './scenarios/backup-and-restore.ts'
import { clockJumps } from './scenarios/clock-jumps.ts'
import { diskFull } from './scenarios/disk-full.ts'
import { firstBoot } from './scenarios/first-boot.ts'
import { hundredClients } from './scenarios/hundred-clients.ts'
import { powerLoss } from './scenarios/power-loss.ts'

export const scenarios: readonly Scenario[] = [
  firstBoot,
  hundredClients,
  powerLoss,
  diskFull,
  backupAndRestore,
  clockJumps
]
