/** A well-behaved guest in AssemblyScript: counts visits, keeps notes, reads what it was granted. `//MORE` takes further methods. */
export const keeper: string = `
import {
  App, Expectation, HttpAnswer, IncomingMessage, IncomingRequest, Response, ResponseBody, WriteOptions, explanation,
  files, kv, locks, run
} from './blocktree'
export { bt_abi_version, bt_alloc, bt_event } from './blocktree'

let delivered: u32 = 0
let opened: u32 = 0

class Keeper extends App {
  http(request: IncomingRequest): HttpAnswer {
    const path = request.path
    if (path == '/ping') return text(200, 'pong')
    if (path == '/visits') return text(200, kv.increment('visits', 1).toString())
    if (path == '/delivered') return text(200, delivered.toString())
    if (path == '/note' && request.method == 'PUT') return put('/data/note.txt', request.content)
    if (path == '/note') return file('/data/note.txt')
    if (path == '/open') {
      const found = files.open('/letters/hello.txt', 1)
      if (found == null) return text(403, explanation)
      opened = found.handle
      return text(200, opened.toString())
    }
    if (path == '/again') {
      const part = files.read(opened, 0, 100)
      return part == null ? text(403, explanation) : bytes(part)
    }
    if (path == '/lock') {
      const lease = locks.acquire('/letters/hello.txt', 5000, 3000)
      if (lease == null) return text(409, explanation)
      locks.release(lease.lock)
      return text(200, lease.token.toString())
    }
    if (path == '/writes') return put('/letters/written.txt', request.content)
    return file('/letters' + path)
  }

  message(message: IncomingMessage): void {
    delivered++
  }
  //MORE
}

function put(path: string, content: Uint8Array): HttpAnswer {
  const anything = new WriteOptions(Expectation.ofAnything(), -1, null)
  return files.writeFile(path, content, anything) == null ? text(403, explanation) : text(200, 'kept')
}

function file(path: string): HttpAnswer {
  const content = files.readFile(path, 0, 1000)
  return content == null ? text(403, explanation) : bytes(content)
}

function text(status: u16, words: string): HttpAnswer {
  return HttpAnswer.ofNow(new Response(status, [], ResponseBody.ofContent(Uint8Array.wrap(String.UTF8.encode(words)))))
}

function bytes(content: Uint8Array): HttpAnswer {
  return HttpAnswer.ofNow(new Response(200, [], ResponseBody.ofContent(content)))
}

run(new Keeper())
`
