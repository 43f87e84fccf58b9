/** The files of a node, with what apps do in them told: which place, and what was acknowledged to them. */
import type { Actor, Files } from '@blocktree/files'

export interface FileOperation {
  readonly name: string
  readonly path: string
}

export interface FileListener {
  /** Before it is done. */
  began(operation: FileOperation): void
  /** A write that was answered. */
  wrote(path: string, version: Uint8Array): void
}

/** @param isApp whether somebody is an app; what the node itself does is not told */
export function watchFiles(files: Files, isApp: (actor: Actor) => boolean, listener: FileListener): Files {
  const begin = (actor: Actor, name: string, ...paths: readonly string[]): void => {
    if (isApp(actor)) for (const path of paths) listener.began({ name, path })
  }
  const written = async <Reply extends { readonly versionId: Uint8Array }>(
    actor: Actor,
    path: string,
    work: Promise<Reply>
  ): Promise<Reply> => {
    const reply = await work
    if (isApp(actor)) listener.wrote(path, reply.versionId)
    return reply
  }
  return {
    ...files,
    get watchToken() {
      return files.watchToken
    },
    list(actor, path, options) {
      begin(actor, 'list', path)
      return files.list(actor, path, options)
    },
    read(actor, path, options) {
      begin(actor, 'read', path)
      return files.read(actor, path, options)
    },
    history(actor, path, options) {
      begin(actor, 'history', path)
      return files.history(actor, path, options)
    },
    watch(actor, path, options) {
      begin(actor, 'watch', path)
      return files.watch(actor, path, options)
    },
    create(actor, path, bytes, options) {
      begin(actor, 'write', path)
      return written(actor, path, files.create(actor, path, bytes, options))
    },
    writeStream(actor, path, source, options) {
      begin(actor, 'write', path)
      return written(actor, path, files.writeStream(actor, path, source, options))
    },
    makeDirectory(actor, path, options) {
      begin(actor, 'make a directory', path)
      return written(actor, path, files.makeDirectory(actor, path, options))
    },
    remove(actor, path, options) {
      begin(actor, 'remove', path)
      return files.remove(actor, path, options)
    },
    move(actor, source, target, options) {
      begin(actor, 'move', source, target)
      return files.move(actor, source, target, options)
    }
  }
}
