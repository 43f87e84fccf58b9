/** What a scenario tells the enemy's process to do; plain data, since it crosses a pipe. */
import type { Habit } from './member-liar.ts'

export type LiarOrder =
  | { readonly act: 'ask' | 'ask on' | 'false hellos'; readonly address: string; readonly treeId: string }
  | { readonly act: 'half open'; readonly address: string; readonly count: number }
  | { readonly act: 'half close' | 'read' | 'asked' }
  | { readonly act: 'member'; readonly directory: string; readonly address: string; readonly treeId: string }
  | { readonly act: 'connect'; readonly habit: Habit }
  | { readonly act: 'forge' | 'alter' | 'replay' | 'garbage' | 'events' | 'unread'; readonly count: number }
  | { readonly act: 'requests'; readonly kind: 'summaries' | 'messages' | 'unknown'; readonly count: number }

export interface LiarReply {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}
