/**
 * One app under development on a scratch node: each update builds, packs a version higher than the last, and installs or
 * upgrades it. Folders and files that it asks for are made, so that nobody has to be asked.
 */
import type { AppDescription, AppPermission } from '@blocktree/node/method-table'
import type { Author } from '@blocktree/node/author'
import { codeOf } from '@blocktree/rpc'
import { packProject, readAppProject } from './app-project.ts'
import { buildApp } from './build-app.ts'
import type { CommandContext } from './command.ts'
import { summaryLine } from './app-description.ts'
import type { NodeClient } from './node-client.ts'

export interface DevelopmentOptions {
  readonly context: CommandContext
  readonly directory: string
  readonly author: Author
  readonly node: NodeClient
}

export interface Development {
  /** What fails is said, and the version before goes on; only the first update throws. */
  update(): Promise<void>
}

export function createDevelopment({ context, directory, author, node }: DevelopmentOptions): Development {
  const { output, environment } = context
  let updates = 0
  let isInstalled = false
  const bring = async (): Promise<void> => {
    const project = readAppProject(directory)
    await buildApp(project, environment)
    const { name, version } = project.source.draft
    const bytes = packProject(project, author, version + updates++)
    const { permissions, upgrade } = await node.call('app.inspect', {}, { upload: [bytes] })
    const objects = await makeObjects(node, permissions)
    const summary = isInstalled
      ? await node.call('app.upgrade', { name, objects, ...everythingOf(upgrade) }, { upload: [bytes] })
      : await node.call('app.install', { objects }, { upload: [bytes] })
    isInstalled = true
    output.item(summary, () => [summaryLine(output, summary)])
  }
  return {
    async update() {
      try {
        await bring()
      } catch (error) {
        if (!isInstalled) throw error
        const message = error instanceof Error ? error.message : String(error)
        output.item({ error: { code: codeOf(error) ?? 'ERR_UNEXPECTED', message } }, () => [
          output.red(message)
        ])
      }
    }
  }
}

/** An author agrees to what the project asks for. */
function everythingOf(upgrade: AppDescription['upgrade']): {
  readonly accept: readonly string[]
  readonly limits: Readonly<Record<string, number>>
} {
  return { accept: upgrade?.asksFor ?? [], limits: upgrade?.raises ?? {} }
}

async function makeObjects(
  node: NodeClient,
  permissions: readonly AppPermission[]
): Promise<Record<string, string>> {
  const objects: Record<string, string> = {}
  for (const { name, object } of permissions) {
    if (object !== 'folder' && object !== 'file') continue
    const path = `/scratch-${name}`
    if (object === 'folder') await node.call('file.mkdir', { path, parents: true })
    else await node.call('file.put', { path, replace: false }, { upload: [] }).catch(() => undefined)
    objects[name] = path
  }
  return objects
}
