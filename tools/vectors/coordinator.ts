/**
 * Vectors of doc/spec/29-coordinator.md: what members say to each other, what one asks of the leader, and what commands
 * come to. Written by hand from the page, without the package that they judge.
 */
import { concatBytes } from '@blocktree/codec'
import { hex, type VectorCase, type VectorPage } from '../vector-page.ts'
import { filled } from '../vector-tree.ts'
import { type Value, encodeValue } from '../vector-value.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'coordinator',
    specification: 'doc/spec/29-coordinator.md',
    comment:
      'commands, messages, questions and answers: `value` is what `bytes` hold, byte strings as {"bin": hexadecimal}. What is ' +
      'refused has no effect. stories: entries of a log from an empty state, each with its index, the command and the answer ' +
      '[outcome, value]; `state` is what section 5 writes in the end.',
    groups: {
      commands: accepted(commandValues),
      refuseCommands: refused(refusedCommands()),
      messages: accepted(messageValues),
      refuseMessages: refused(refusedMessages()),
      questions: accepted(questionValues),
      refuseQuestions: refused(refusedQuestions()),
      answers: accepted(answerValues),
      refuseAnswers: refused(refusedAnswers()),
      stories: stories.map(storyCase),
      refuseStates: refused(refusedStates())
    }
  }
}

type Named = readonly (readonly [comment: string, value: Value])[]
type NamedBytes = readonly (readonly [comment: string, bytes: Uint8Array])[]

function accepted(values: Named): VectorCase[] {
  return values.map(([comment, value]) => ({
    comment,
    value: written(value),
    bytes: hex(encodeValue(value))
  }))
}

function refused(cases: NamedBytes): VectorCase[] {
  return cases.map(([comment, bytes]) => ({ comment, bytes: hex(bytes) }))
}

function encoded(values: Named): NamedBytes {
  return values.map(([comment, value]) => [comment, encodeValue(value)])
}

/** Byte strings as objects: JSON has no word for them. */
function written(value: Value): unknown {
  if (value instanceof Uint8Array) return { bin: hex(value) }
  return Array.isArray(value) ? value.map((element: Value) => written(element)) : value
}

function withTail(values: Named): NamedBytes {
  const [first] = values
  const bytes = encodeValue(first?.[1] ?? null)
  return [
    ['a byte after it', concatBytes(bytes, Uint8Array.of(0))],
    ['cut off', bytes.subarray(0, -1)],
    ['nothing', new Uint8Array(0)]
  ]
}

// --- section 4

const longest = 2 ** 53 - 1

const commandValues: Named = [
  ['open', [1, 'ann', longest]],
  ['acquire, waiting', [2, 7, 3, 2, 'file/ä', 1000, true]],
  ['acquire, not waiting, the longest lease', [2, 7, 3, 2, 'x'.repeat(128), 3_600_000, false]],
  ['renew', [3, 7, 'a', 9]],
  ['release', [4, 7, 'a', 9]],
  ['cancel', [5, 7, 'a', 3]],
  ['expire', [6, 'a', 9, 4]],
  ['break', [7, 'a', 9]],
  ['sequence', [8, 7, 3, 2, 'a', 1_000_000]],
  ['close', [9, 7]]
]

function refusedCommands(): NamedBytes {
  return [
    ...encoded([
      ['a code that is not there', [10, 7]],
      ['a field too many', [9, 7, 7]],
      ['a field too few', [3, 7, 'a']],
      ['a lock without a name', [3, 7, '', 9]],
      ['a name of 129 bytes', [3, 7, 'x'.repeat(129), 9]],
      ['a member of 129 bytes', [1, 'x'.repeat(129), 1]],
      ['a lease shorter than a second', [2, 7, 3, 2, 'a', 999, true]],
      ['a lease longer than an hour', [2, 7, 3, 2, 'a', 3_600_001, true]],
      ['no numbers', [8, 7, 3, 2, 'a', 0]],
      ['more than a million numbers', [8, 7, 3, 2, 'a', 1_000_001]],
      ['text for a token', [7, 'a', '9']]
    ]),
    ...withTail(commandValues)
  ]
}

// --- sections 2 and 3

const membership: Value = [['ann', 'bob'], ['cas']]
const entries: readonly Value[] = [
  [9, 3, 0, null],
  [10, 3, 1, Uint8Array.of(0x92, 9, 7)],
  [11, 3, 2, membership]
]

const messageValues: Named = [
  ['a trial', [1, 1, 3, true, false, 8, 2]],
  ['a vote is asked for', [1, 1, 3, false, true, 8, 2]],
  ['a vote', [1, 2, 3, false, true]],
  ['a sign of life', [1, 3, 3, 5, 8, 2, 7, []]],
  ['entries of every kind', [1, 3, 3, 5, 8, 2, 7, entries]],
  ['equal up to an index', [1, 4, 3, 5, true, 11]],
  ['not equal', [1, 4, 3, 5, false, 4]],
  ['a snapshot', [1, 5, 3, 5, 8, 2, membership, Uint8Array.of(0x94, 1, 0x90, 0x90, 0x90)]],
  ['the leader stops', [1, 6, longest]]
]

function refusedMessages(): NamedBytes {
  const append = (listed: readonly Value[]): Value => [1, 3, 3, 5, 8, 2, 7, listed]
  const member = (index: number): string => `member-${index}`
  const voters = Array.from({ length: 8 }, (_, index) => member(index))
  const learners = Array.from({ length: 65 }, (_, index) => member(index))
  const many = Array.from({ length: 257 }, (_, index) => [9 + index, 3, 0, null])
  return [
    ...encoded([
      ['another format', [2, 2, 3, false, true]],
      ['a kind that is not there', [1, 7, 3]],
      ['a field too many', [1, 6, 3, 1]],
      ['a number for a truth value', [1, 2, 3, 0, true]],
      ['a gap before the entries', append(entries.slice(1))],
      ['a gap among them', append([entries[0] ?? null, entries[2] ?? null])],
      ['257 entries', append(many)],
      ['a begin with content', append([[9, 3, 0, Uint8Array.of(1)]])],
      ['an empty command', append([[9, 3, 1, new Uint8Array(0)]])],
      ['a command of 1,025 bytes', append([[9, 3, 1, filled(1025, 1)]])],
      ['an entry of no kind', append([[9, 3, 3, null]])],
      ['eight voters', append([[9, 3, 2, [voters, []]]])],
      ['65 learners', append([[9, 3, 2, [[], learners]]])],
      ['a member twice', append([[9, 3, 2, [['ann'], ['ann']]]])]
    ]),
    ...withTail(messageValues)
  ]
}

// --- section 6

const questionValues: Named = [
  ['propose', [1, 1, Uint8Array.of(0x92, 9, 7)]],
  ['read', [1, 2, null]],
  ['add', [1, 3, 'dan']],
  ['remove', [1, 4, 'dan']]
]

function refusedQuestions(): NamedBytes {
  return [
    ...encoded([
      ['another format', [2, 2, null]],
      ['a kind that is not there', [1, 5, null]],
      ['an empty command', [1, 1, new Uint8Array(0)]],
      ['a command of 1,025 bytes', [1, 1, filled(1025, 1)]],
      ['a read with an argument', [1, 2, 0]],
      ['a member without a name', [1, 3, '']]
    ]),
    ...withTail(questionValues)
  ]
}

const answerValues: Named = [
  ['done', [1, 0, 12, [0, 12]]],
  ['in the queue', [1, 0, 12, [1, 0]]],
  ['beyond a limit', [1, 0, 12, [4, 0]]],
  ['another one leads', [1, 1, 'ann', null]],
  ['nobody leads', [1, 1, null, null]],
  ['the name is not for this member', [1, 2, null, null]],
  ['nothing of that name is known yet', [1, 3, null, null]]
]

function refusedAnswers(): NamedBytes {
  return [
    ...encoded([
      ['another format', [2, 0, 12, [0, 12]]],
      ['neither result nor leader nor refusal', [1, 4, null, null]],
      ['a refusal with a result', [1, 2, 12, [0, 12]]],
      ['a refusal with a leader', [1, 3, 'ann', null]],
      ['an outcome that is not there', [1, 0, 12, [5, 0]]],
      ['a leader with a result', [1, 1, 'ann', [0, 12]]]
    ]),
    ...withTail(answerValues)
  ]
}

// --- sections 4 and 5: what commands come to

interface Story {
  readonly comment: string
  readonly steps: readonly (readonly [index: number, command: Value, answer: readonly [number, number]])[]
  readonly state: Value
}

const stories: readonly Story[] = [
  {
    comment: 'a lock passes on in the order of the queue, with rising tokens',
    steps: [
      [2, [1, 'ann', 1], [0, 2]],
      [3, [1, 'bob', 1], [0, 3]],
      [5, [2, 2, 1, 0, 'file', 5000, false], [0, 5]],
      [6, [2, 3, 1, 0, 'file', 5000, false], [2, 0]],
      [7, [2, 3, 2, 0, 'file', 6000, true], [1, 0]],
      [8, [2, 2, 2, 0, 'file', 7000, true], [1, 0]],
      [9, [4, 3, 'file', 5], [3, 0]],
      [10, [4, 2, 'file', 5], [0, 0]],
      [11, [3, 3, 'file', 10], [0, 10]],
      [12, [3, 3, 'file', 5], [3, 0]],
      [13, [7, 'file', 9], [3, 0]],
      [14, [7, 'file', 10], [0, 0]]
    ],
    state: [
      1,
      [
        [
          2,
          'ann',
          1,
          0,
          [
            [1, [0, 5]],
            [2, [1, 0]]
          ]
        ],
        [
          3,
          'bob',
          1,
          0,
          [
            [1, [2, 0]],
            [2, [1, 0]]
          ]
        ]
      ],
      [['file', 14, 2, 2, 7000, 0, []]],
      []
    ]
  },
  {
    comment: 'a lease that was renewed does not end by an expiry that had not seen it',
    steps: [
      [2, [1, 'ann', 1], [0, 2]],
      [3, [2, 2, 1, 0, 'a', 5000, true], [0, 3]],
      [4, [3, 2, 'a', 3], [0, 3]],
      [5, [6, 'a', 3, 0], [3, 0]],
      [6, [6, 'a', 2, 1], [3, 0]],
      [7, [6, 'a', 3, 1], [0, 0]],
      [8, [3, 2, 'a', 3], [3, 0]]
    ],
    state: [1, [[2, 'ann', 1, 0, [[1, [0, 3]]]]], [], []]
  },
  {
    comment: 'a request is carried out once, and not below the floor',
    steps: [
      [2, [1, 'ann', 1], [0, 2]],
      [3, [8, 2, 1, 0, 'n', 5], [0, 1]],
      [4, [8, 2, 1, 0, 'n', 5], [0, 1]],
      [5, [8, 2, 2, 2, 'n', 1], [0, 6]],
      [6, [8, 2, 1, 0, 'n', 5], [3, 0]],
      [7, [2, 2, 9, 99, 'a', 1000, false], [0, 7]],
      [8, [2, 2, 9, 0, 'a', 1000, false], [0, 7]],
      [9, [8, 3, 1, 0, 'n', 1], [3, 0]]
    ],
    state: [1, [[2, 'ann', 1, 9, [[9, [0, 7]]]]], [['a', 7, 2, 9, 1000, 0, []]], [['n', 6]]]
  },
  {
    comment: 'the same nonce is the same session; another one ends the former, its queues and its locks',
    steps: [
      [2, [1, 'ann', 1], [0, 2]],
      [3, [1, 'ann', 1], [0, 2]],
      [4, [1, 'bob', 1], [0, 4]],
      [5, [2, 2, 1, 0, 'a', 1000, true], [0, 5]],
      [6, [2, 4, 1, 0, 'a', 1000, true], [1, 0]],
      [7, [2, 4, 2, 0, 'b', 1000, true], [0, 7]],
      [8, [2, 2, 2, 0, 'b', 1000, true], [1, 0]],
      [9, [1, 'ann', 2], [0, 9]],
      [10, [4, 4, 'b', 7], [0, 0]],
      [11, [9, 2], [3, 0]]
    ],
    state: [
      1,
      [
        [
          4,
          'bob',
          1,
          0,
          [
            [1, [1, 0]],
            [2, [0, 7]]
          ]
        ],
        [9, 'ann', 2, 0, []]
      ],
      [['a', 9, 4, 1, 1000, 0, []]],
      []
    ]
  },
  {
    comment: 'who cancels leaves the queue, or gives back what came meanwhile',
    steps: [
      [2, [1, 'ann', 1], [0, 2]],
      [3, [2, 2, 1, 0, 'a', 1000, true], [0, 3]],
      [4, [2, 2, 2, 0, 'a', 2000, true], [1, 0]],
      [5, [2, 2, 3, 0, 'a', 3000, true], [1, 0]],
      [6, [5, 2, 'a', 2], [0, 0]],
      [7, [5, 2, 'a', 2], [3, 0]],
      [8, [4, 2, 'a', 3], [0, 0]],
      [9, [5, 2, 'a', 3], [0, 0]],
      [10, [5, 2, 'a', 3], [3, 0]],
      [11, [9, 2], [0, 0]]
    ],
    state: [1, [], [], []]
  },
  {
    comment: 'numbers end where they cannot be told exactly',
    steps: [
      [2, [1, 'ann', 1], [0, 2]],
      [longest - 5, [1, 'bob', 1], [0, longest - 5]],
      [longest - 4, [8, 2, 1, 0, 'n', 1], [0, 1]],
      [longest - 3, [2, 2, 2, 0, 'a', 1000, true], [0, longest - 3]]
    ],
    state: [
      1,
      [
        [
          2,
          'ann',
          1,
          0,
          [
            [1, [0, 1]],
            [2, [0, longest - 3]]
          ]
        ],
        [longest - 5, 'bob', 1, 0, []]
      ],
      [['a', longest - 3, 2, 2, 1000, 0, []]],
      [['n', 1]]
    ]
  }
]

function storyCase({ comment, steps, state }: Story): VectorCase {
  return {
    comment,
    steps: steps.map(([index, command, answer]) => ({
      index,
      command: hex(encodeValue(command)),
      answer: [...answer]
    })),
    state: hex(encodeValue(state))
  }
}

function refusedStates(): NamedBytes {
  const session: Value = [2, 'ann', 1, 0, []]
  return encoded([
    ['another format', [2, [], [], []]],
    ['a session twice', [1, [session, session], [], []]],
    [
      'a sequence twice',
      [
        1,
        [],
        [],
        [
          ['n', 1],
          ['n', 2]
        ]
      ]
    ],
    ['a lock with a field too few', [1, [session], [['a', 3, 2, 1, 1000, 0]], []]],
    ['a lock with 257 waiters', [1, [session], [lockWithWaiters(257)], []]],
    ['a field too many', [1, [], [], [], []]]
  ])
}

function lockWithWaiters(count: number): Value {
  return ['a', 3, 2, 1, 1000, 0, Array.from({ length: count }, (_, index) => [2, index + 2, 1000])]
}
