/** Real node code under virtual time, faulty networks and faulty disks. */
export { type FaultKind, faultKinds } from './faults.ts'
export type { Violation } from './summary.ts'
export { type RunOptions, type RunReport, commandOf, runSimulation } from './run.ts'
