/** Bounds of import and export, with their reasons (doc/adr/0010-bulk-transfer.md). */
export const workersMax = 4 // beyond, the one log and the main thread are the limit
export const tasksPerWorker = 2 // one works while the other waits for a buffer or an answer
export const lanesBeyondWorkers = 4 // steps that wait for the disk while workers go on
export const frameBufferBytes: number = 4 * 1024 * 1024 // two make one group of the log
export const frameBuffersPerWorker = 3 // filling, written, and on the way: 12 MiB a worker
export const readBufferBytes: number = 1024 * 1024 // one read of a source file
export const sectorLog2 = 17 // 128 KiB: sequential files
export const unitBytes: number = 256 * 2 ** sectorLog2 // 32 MiB: the sectors of one node of level 1
export const packFilesMax = 100 // files of one task: a few milliseconds of work
export const packBytesMax: number = 8 * 1024 * 1024 // the same for large ones
export const scansAhead = 4 // directories that are read before they are needed
export const exportPageMax = 128 // files of one task of an export
export const problemsMax = 1000 // problems of one report; more are counted only
export const progressIntervalMs = 100 // between two reports of progress
export const workersIdleMs = 10_000 // after the last job, before the workers are stopped
export const workerYoungMiB = 12 // short-lived objects of a worker: its garbage is collected often and cheaply
export const workerOldMiB = 192 // far above what a task needs; a worker beyond it ends with an error
