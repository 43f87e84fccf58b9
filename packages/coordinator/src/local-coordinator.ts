/** The coordinator of a node that is alone: a cluster of one member, without a link. Tokens stay rising over restarts. */
import { BuiltinCoordinator, type BuiltinOptions } from './builtin-coordinator.ts'
import type { CoordinatorLink } from './link.ts'
import type { Coordinator } from './port.ts'

const nobody: CoordinatorLink = {
  send: () => undefined,
  ask: (member) => Promise.reject(new Error(`there is no way to ${member}: the coordinator is local`)),
  listen: () => undefined
}

export async function openLocalCoordinator(
  options: Omit<BuiltinOptions, 'link' | 'first'>
): Promise<Coordinator> {
  return await BuiltinCoordinator.open({ ...options, link: nobody, first: true }, 'local')
}
