import type { Scenario } from './scenario.ts'
import { appAttacks, appAttacksWasmtime } from './scenarios/app-attacks.ts'
import { appKills } from './scenarios/app-kills.ts'
import { appOnTwoNodes } from './scenarios/app-on-two-nodes.ts'
import { appRestore } from './scenarios/app-restore.ts'
import { appRevoke } from './scenarios/app-revoke.ts'
import { appUpgrade } from './scenarios/app-upgrade.ts'
import { appUse } from './scenarios/app-use.ts'
import { awayAndBack } from './scenarios/away-and-back.ts'
import { backupAndRestore } from './scenarios/backup-and-restore.ts'
import { clockJumps } from './scenarios/clock-jumps.ts'
import { clocks } from './scenarios/clocks.ts'
import { contentByUrn } from './scenarios/content-by-urn.ts'
import { copies } from './scenarios/copies.ts'
import { discovery } from './scenarios/discovery.ts'
import { diskFull } from './scenarios/disk-full.ts'
import { etcdLocks } from './scenarios/etcd-locks.ts'
import { firstBoot } from './scenarios/first-boot.ts'
import { holePunching } from './scenarios/hole-punching.ts'
import { hundredClients } from './scenarios/hundred-clients.ts'
import { leaderKilled } from './scenarios/leader-killed.ts'
import { liars } from './scenarios/liars.ts'
import { longAway } from './scenarios/long-away.ts'
import { lostRootKey } from './scenarios/lost-root-key.ts'
import { partition } from './scenarios/partition.ts'
import { powerLoss } from './scenarios/power-loss.ts'
import { putBackNode } from './scenarios/put-back.ts'
import { reachability } from './scenarios/reachability.ts'
import { relay } from './scenarios/relay.ts'
import { rollingRestart } from './scenarios/rolling-restart.ts'
import { shareAndRevoke } from './scenarios/share-and-revoke.ts'
import { stolenNode } from './scenarios/stolen-node.ts'
import { threeNodes } from './scenarios/three-nodes.ts'
import { twentyNodes } from './scenarios/twenty-nodes.ts'
import { twoNodes } from './scenarios/two-nodes.ts'
import { twoTrees } from './scenarios/two-trees.ts'
import { watchAcrossCuts } from './scenarios/watch-across-cuts.ts'

export const scenarios: readonly Scenario[] = [
  firstBoot,
  shareAndRevoke,
  lostRootKey,
  hundredClients,
  powerLoss,
  diskFull,
  backupAndRestore,
  clockJumps,
  twoNodes,
  threeNodes,
  partition,
  awayAndBack,
  longAway,
  putBackNode,
  stolenNode,
  liars,
  leaderKilled,
  copies,
  clocks,
  etcdLocks,
  rollingRestart,
  twentyNodes,
  twoTrees,
  relay,
  holePunching,
  reachability,
  watchAcrossCuts,
  discovery,
  appUse,
  appUpgrade,
  appRevoke,
  appRestore,
  appKills,
  appOnTwoNodes,
  appAttacks,
  appAttacksWasmtime,
  contentByUrn
]
