/** grants.*: what the app may do, asking the person for more, and giving back. */
import { type FileRight, type Host, fileRights } from '@blocktree/app-package'
import type { CallContext, HandlerGroup } from '../host-context.ts'
import { fail } from '../host-failure.ts'
import type { Granted } from '../grant-table.ts'
import { escapeControls } from './basic-calls.ts'

const grantName = /^[a-z][a-z0-9-]{0,31}$/

export const grantCalls: HandlerGroup<'grants'> = {
  'grants.list-granted': (_nothing, { grants }) => describeGrants(grants.list()),

  'grants.ask': ({ question }, call) => {
    call.handles.expectRoom('question')
    const { name, object, rights, reason } = question
    if (!grantName.test(name))
      return fail('invalid', 'a name of a grant has lower-case letters, digits and hyphens')
    if (call.grants.list().some((granted) => granted.name === name))
      return fail('exists', `"${name}" is granted`)
    if (call.grants.isAskedInManifest(name))
      return fail(
        'invalid',
        `"${name}" stands in the manifest, with its own rights; the person grants it as it is there`
      )
    const wanted = fileRights.filter((right) => rights[right])
    if (wanted.length === 0) return fail('invalid', 'a question asks for at least one right')
    return ask(call, { name, object, rights: wanted, reason: escapeControls(reason) })
  },

  'grants.give-back': async ({ name }, call) => {
    const granted = call.grants.list().find((one) => one.name === name)
    if (granted === undefined) return fail('not-found', `there is no grant "${name}"`)
    if (!granted.isAsked)
      return fail('invalid', `"${name}" was granted at the installation; the person takes it back`)
    await call.giveBack(name)
    return undefined
  }
}

function ask(
  call: CallContext,
  question: {
    readonly name: string
    readonly object: Host.ObjectKind
    readonly rights: readonly FileRight[]
    readonly reason: string
  }
): number {
  let handle = 0
  const withdraw = call.questions.ask({ app: call.app, ...question }, (outcome) => {
    void call
      .deliver('granted', { answer: { question: handle, outcome: { kind: outcome } } })
      .catch(() => undefined) // the failure is in the app's log
      .finally(() => call.handles.close(handle))
  })
  handle = call.handles.add('question', call.process, { release: withdraw })
  return handle
}

/** As the guest sees them. */
export function describeGrants(granted: readonly Granted[]): readonly Host.GrantedPermission[] {
  return granted.map(({ name, scope, isAsked }) => ({
    name,
    kind: scope.kind,
    rights: flagsOf(scope.kind === 'files' ? scope.rights : []),
    asked: isAsked
  }))
}

function flagsOf(rights: readonly FileRight[]): Host.FileRights {
  const has = (right: FileRight): boolean => rights.includes(right)
  return {
    read: has('read'),
    write: has('write'),
    create: has('create'),
    list: has('list'),
    remove: has('remove'),
    lock: has('lock')
  }
}
