/** After a start: goes on with what a crash cut short. Each job is done in the name of the actor that began it. */
import { equalBytes, formatId } from '@blocktree/codec'
import type { Actor } from './actor.ts'
import { runCopy } from './cross-zone-copy.ts'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { type Job, jobDoneRow, jobKind, openJobs } from './job-journal.ts'
import { runRemoval } from './remove.ts'

export interface ResumedJob {
  readonly job: Job
  /** undefined when it was finished; else why it stays in the journal. */
  readonly error: unknown
}

/** Jobs of other actors stay in the journal and are not in the answer. */
export async function resumeJobs(context: FilesContext, actor: Actor): Promise<readonly ResumedJob[]> {
  const done: ResumedJob[] = []
  for (const job of await openJobs(context)) {
    if (!equalBytes(job.actor, actor.id)) continue
    try {
      if (job.kind === jobKind.remove) await runRemoval(context, actor, job, formatId(job.source))
      else await runCopy(context, actor, job, job.finalName)
      done.push({ job, error: undefined })
    } catch (error) {
      done.push({ job, error })
    }
  }
  return done
}

/** Strikes a job out; what it has made so far stays. ERR_JOB_UNKNOWN. */
export async function abandonJob(context: FilesContext, id: Uint8Array): Promise<void> {
  const job = (await openJobs(context)).find((open) => equalBytes(open.id, id))
  if (job === undefined)
    throw new FilesError('ERR_JOB_UNKNOWN', 'no unfinished job has this id: list the jobs again')
  await context.store.commit({ local: [jobDoneRow(job)] }, { durability: context.durability })
}
