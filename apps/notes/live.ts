/** Pages that want to be told of changes: answers as event streams that stay open. */
import {
  Header,
  Response,
  ResponseBody,
  Tick,
  httpServer,
  timers
} from '../../packages/app-sdk/assemblyscript/blocktree'

const pageMax = 64
const beatMs = 20000 // a gateway lets go of a connection that is silent for a minute

export class LivePages {
  private requests: u32[] = []
  private timer: u32 = 0

  /** Answers the request and keeps it. False when there are too many. */
  open(request: u32): bool {
    if (this.requests.length >= pageMax) return false
    const headers = [new Header('content-type', 'text/event-stream'), new Header('cache-control', 'no-store')]
    if (!httpServer.respond(request, new Response(200, headers, ResponseBody.ofStreamed()))) return true
    if (!httpServer.write(request, bytesOf('retry: 1000\n\n'))) return true
    this.requests.push(request)
    if (this.timer == 0) this.timer = timers.start(beatMs, beatMs)
    return true
  }

  /** `id` is empty when it is not known what changed. */
  tell(id: string): void {
    this.send('event: changed\ndata: ' + id + '\n\n')
  }

  beat(tick: Tick): void {
    if (tick.timer == this.timer) this.send(': \n\n')
  }

  close(): void {
    for (let index = 0; index < this.requests.length; index++) httpServer.finish(this.requests[index])
    this.requests = []
  }

  /** Who has gone is forgotten; with nobody left the app may rest. */
  private send(text: string): void {
    const content = bytesOf(text)
    const still: u32[] = []
    for (let index = 0; index < this.requests.length; index++) {
      if (httpServer.write(this.requests[index], content)) still.push(this.requests[index])
    }
    this.requests = still
    if (still.length > 0 || this.timer == 0) return
    timers.cancel(this.timer)
    this.timer = 0
  }
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text))
}
