/** Vectors of doc/spec/08-acceptance.md and 09-directories-and-paths.md: what a node makes of records one after another. */
import { type History, personNamed } from '../vector-history.ts'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { replay } from '../vector-replay.ts'
import { arrivalStories } from '../vector-stories/arrival.ts'
import { capStories } from '../vector-stories/caps.ts'
import { checkpointStories } from '../vector-stories/checkpoints.ts'
import { keyStories } from '../vector-stories/keys.ts'
import { revocationStories } from '../vector-stories/revocations.ts'
import { versionStories } from '../vector-stories/versions.ts'
import { viewStories } from '../vector-stories/view.ts'

const people = [
  'root',
  'ann',
  'bob',
  'cas',
  'recovery',
  'host',
  'keeper',
  'late host',
  'new root',
  'second root',
  'third root',
  'left root',
  'right root'
]

export async function generateVectors(): Promise<VectorPage> {
  const shared = new Map(people.map((name) => [name, hex(personNamed(name).record.bytes)]))
  const tell = async (stories: readonly (() => History)[]): Promise<VectorCase[]> => {
    const told: VectorCase[] = []
    for (const story of stories) told.push(await replay(story(), shared))
    return told
  }
  return {
    name: 'acceptance',
    specification: 'doc/spec/08-acceptance.md',
    comment:
      'people: principal records by name, used in all stories. Every other group: stories. A node that expects `tree` and holds ' +
      'nothing is offered, one after another, what `steps` name: a record as from a host, or `as` a birth or a part of a ' +
      'manifest; the bytes stand in `items`, or in people. `outcome`, and `error` when refused (the code of page 08) or not ' +
      'judgeable; `released`: parked records that were taken or refused after this step. `blocks`: states of the blocks that ' +
      'changed, by the names of the story (`blocks` of the story gives their ids): heads with effective versions, best first, ' +
      'the first is the winner; what is absent is empty or false. `view`: paths that show another block than ' +
      'before, null for none; a directory ends in "/". Private zones are shown without names. Offered in any other order, the same records end in the same state.',
    groups: {
      people: [...shared].map(([name, bytes]) => ({ comment: name, bytes })),
      arrival: await tell(arrivalStories),
      caps: await tell(capStories),
      versions: await tell(versionStories),
      checkpoints: await tell(checkpointStories),
      revocations: await tell(revocationStories),
      keys: await tell(keyStories),
      view: await tell(viewStories)
    }
  }
}
