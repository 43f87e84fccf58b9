/** The notes on the server: /api/notes, and the stream of changes. Failures are errors in words for the person. */

export class NoteStore {
  /** Rows of the notes in which every word of the query occurs. */
  async list(query) {
    const response = await ask(`/api/notes?query=${encodeURIComponent(query)}`)
    return await response.json()
  }

  /** undefined when it is not there. */
  async read(id) {
    const response = await ask(`/api/notes/${encodeURIComponent(id)}`, {}, [404])
    if (response.status === 404) return undefined
    return { text: await response.text(), version: versionOf(response) }
  }

  async create(text) {
    const response = await ask('/api/notes', { method: 'POST', body: text })
    return await response.json()
  }

  /** undefined when it was changed since `version`; without a version whatever is there is replaced. */
  async write({ id, version }, text) {
    const headers = version === undefined ? {} : { 'if-match': `"${version}"` }
    const response = await ask(
      `/api/notes/${encodeURIComponent(id)}`,
      { method: 'PUT', body: text, headers },
      [412]
    )
    return response.status === 412 ? undefined : await response.json()
  }

  async remove(id) {
    await ask(`/api/notes/${encodeURIComponent(id)}`, { method: 'DELETE' })
  }

  /** Calls `onChange` with the id of each changed note, or with '' when anything may have changed. */
  follow({ onChange, onLink }, wasLost = false) {
    const source = new EventSource('/api/changes')
    source.addEventListener('open', () => {
      onLink('live')
      if (wasLost) void onChange('')
      wasLost = false
    })
    source.addEventListener('changed', ({ data }) => void onChange(data))
    source.addEventListener('error', () => {
      wasLost = true
      onLink('lost')
      if (source.readyState !== EventSource.CLOSED) return
      setTimeout(() => this.follow({ onChange, onLink }, true), 3000)
    })
  }
}

async function ask(path, options = {}, expected = []) {
  let response
  try {
    response = await fetch(path, options)
  } catch {
    throw new Error('the node cannot be reached')
  }
  if (response.ok || expected.includes(response.status)) return response
  const problem = await response.json().then(
    (answer) => answer.problem,
    () => undefined
  )
  throw new Error(problem ?? `the node answered ${response.status}`)
}

function versionOf(response) {
  return response.headers.get('etag')?.slice(1, -1)
}
