import { App, Header, HttpAnswer, IncomingRequest, Response, ResponseBody, kv, run } from './blocktree'
export { bt_abi_version, bt_alloc, bt_event } from './blocktree'

class Visits extends App {
  http(request: IncomingRequest): HttpAnswer {
    if (request.path != '/api/visits') return HttpAnswer.ofNow(new Response(404, [], ResponseBody.ofEmpty()))
    const visits = kv.increment('visits', 1)
    return json('{"visits":' + visits.toString() + '}')
  }
}

function json(text: string): HttpAnswer {
  const headers = [new Header('content-type', 'application/json')]
  const content = Uint8Array.wrap(String.UTF8.encode(text))
  return HttpAnswer.ofNow(new Response(200, headers, ResponseBody.ofContent(content)))
}

run(new Visits())
