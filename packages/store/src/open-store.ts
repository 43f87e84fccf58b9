/** Making and opening a store. */
import { createReserve } from './disk-reserve.ts'
import type { DiskStore, StoreOptions } from './disk-store.ts'
import { encodeProgress, progressKey, segmentRow } from './index-rows.ts'
import { closedIndex } from './index-store.ts'
import { reserveBytes } from './limits.ts'
import { segmentPath } from './location.ts'
import { Overlay } from './overlay.ts'
import { RowCache } from './row-cache.ts'
import { recover } from './recovery.ts'
import { SegmentFiles, encodeSegmentHeader, saltOf, segmentHeaderBytes } from './segment-files.ts'
import { SegmentStore } from './segment-store.ts'
import { StoreError, toStoreError } from './store-error.ts'
import { readFormat, writeFormat } from './store-format.ts'
import { acquireLock } from './store-lock.ts'
import type { StoreLock } from './store-lock.ts'
import { corruption } from './store-parts.ts'
import type { StoreDrivers, StoreParts } from './store-parts.ts'
import { StoreReader } from './store-reader.ts'

/** Makes an empty store and opens it. ERR_STORE_EXISTS when there is one, ERR_STORE_ACCESS, ERR_STORE_FULL. */
export async function createStore(drivers: StoreDrivers, options: StoreOptions = {}): Promise<DiskStore> {
  const { files } = drivers
  try {
    if (holdsStore(drivers)) throw new StoreError('ERR_STORE_EXISTS', 'the directory already holds a store')
    files.makeDirectory('')
    files.makeDirectory('segments')
    const lock = await acquireLock(files, drivers.processes)
    try {
      await makeEmpty(drivers)
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw toStoreError(error, 'creating the store')
  }
  return openStore(drivers, options)
}

/** Opens what is there: ERR_STORE_MISSING, ERR_STORE_LOCKED, ERR_STORE_VERSION, ERR_STORE_ACCESS, ERR_STORE_IO. */
export async function openStore(drivers: StoreDrivers, options: StoreOptions = {}): Promise<DiskStore> {
  const { files } = drivers
  let lock: StoreLock | undefined
  try {
    if (!holdsStore(drivers)) {
      throw new StoreError('ERR_STORE_MISSING', 'the directory holds no store; create one first')
    }
    lock = await acquireLock(files, drivers.processes)
    return await openLocked(drivers, lock, options)
  } catch (error) {
    await lock?.release().catch(() => undefined)
    throw toStoreError(error, 'opening the store')
  }
}

async function openLocked(drivers: StoreDrivers, lock: StoreLock, options: StoreOptions): Promise<DiskStore> {
  const { files, index: driver } = drivers
  const { storeId, repaired } = await readFormat(files)
  const salt = saltOf(storeId)
  const segments = new SegmentFiles(files, salt)
  const parts: StoreParts = {
    files,
    driver,
    segments,
    overlay: new Overlay(),
    rows: new RowCache(),
    storeId,
    salt,
    index: closedIndex
  }
  const reader = new StoreReader(parts)
  const { reindex, onRebuildProgress: onProgress } = options
  try {
    const recovered = await recover(parts, reader, { reindex, onProgress, thorough: lock.stale })
    await createReserve(files, options.reserveBytes ?? reserveBytes)
    const findings = [...recovered.recovery.findings]
    if (repaired !== undefined) findings.unshift(corruption('format', 0, `${repaired} and was written again`))
    return new SegmentStore(
      parts,
      reader,
      lock,
      { ...recovered, recovery: { ...recovered.recovery, findings } },
      options
    )
  } catch (error) {
    await parts.index.close().catch(() => undefined)
    segments.closeAll()
    throw error
  }
}

function holdsStore({ files }: StoreDrivers): boolean {
  if (files.readFile('format') !== undefined) return true
  const segments = new SegmentFiles(files, 0)
  // A first segment without content is what an interrupted creation leaves.
  return segments.numbers().some((segment) => segment > 1 || segments.size(segment) > segmentHeaderBytes)
}

async function makeEmpty({ files, index: driver, random }: StoreDrivers): Promise<void> {
  const storeId = random(16)
  await files.unlink(segmentPath(1))
  const segment = files.open(segmentPath(1), 'create')
  try {
    await segment.write([encodeSegmentHeader(1, storeId)], 0)
    await segment.dataSync()
  } finally {
    segment.close()
  }
  await files.syncDirectory('segments')
  const index = await driver.create()
  const progress = encodeProgress({ segment: 1, offset: segmentHeaderBytes, storeId })
  await index.write([segmentRow(1, 'live'), { key: progressKey, value: progress }])
  await index.close()
  await writeFormat(files, storeId)
}
