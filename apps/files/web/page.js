/** The page of Files: one folder at a time, named in the address of the page. */

const at = (id) => document.getElementById(id)
let next
let stateTimer

const here = () =>
  location.hash
    .slice(1)
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
const join = (...parts) => parts.map(encodeURIComponent).join('/')

function say(text, stays = false) {
  clearTimeout(stateTimer)
  at('state').textContent = text
  if (!stays) stateTimer = setTimeout(() => (at('state').textContent = ''), 6000)
}

async function ask(path, options) {
  const response = await fetch(path, options).catch(() => undefined)
  if (response === undefined) throw new Error('the node cannot be reached')
  if (response.ok) return response
  const answer = await response.json().catch(() => ({}))
  throw new Error(answer.problem ?? `the node answered ${response.status}`)
}

async function guarded(act) {
  try {
    await act()
  } catch (error) {
    say(error.message)
  }
}

function sizeOf(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

function rowOf({ name, kind, size, modified }) {
  const row = document.createElement('tr')
  row.className = kind
  const link = document.createElement('a')
  link.textContent = name
  const path = join(...here(), name)
  link.href = kind === 'folder' ? `#/${path}` : `/file/${path}`
  const remove = document.createElement('button')
  remove.type = 'button'
  remove.textContent = 'Delete'
  remove.setAttribute('aria-label', `Delete ${name}`)
  remove.addEventListener('click', () => guarded(() => removeEntry(name, kind)))
  const cells = [
    ['', link],
    ['number', kind === 'folder' ? '' : sizeOf(size)],
    ['wide', modified === undefined ? '' : dates.format(modified)],
    ['number', remove]
  ]
  for (const [style, content] of cells) {
    const cell = row.insertCell()
    cell.className = style
    cell.append(content)
  }
  return row
}

function showWay() {
  const parts = here()
  const links = ['All files', ...parts].map((name, index) => {
    const link = document.createElement('a')
    link.textContent = name
    link.href = `#/${join(...parts.slice(0, index))}`
    if (index === parts.length) link.setAttribute('aria-current', 'page')
    return link
  })
  at('way').replaceChildren(...links.flatMap((link, index) => (index === 0 ? [link] : ['/', link])))
  document.title = `${parts.at(-1) ?? 'All files'} – Files`
}

async function show({ goesOn = false } = {}) {
  const query = goesOn ? `?after=${encodeURIComponent(next)}` : ''
  showWay()
  const answer = await (await ask(`/api/list/${join(...here())}${query}`)).json()
  const rows = answer.entries.toSorted((one, other) => other.kind.localeCompare(one.kind)).map(rowOf)
  if (goesOn) at('rows').append(...rows)
  else at('rows').replaceChildren(...rows)
  next = answer.next
  at('more').hidden = next === undefined
  at('hint').textContent =
    at('rows').rows.length === 0 ? 'This folder is empty. Drop files here to upload them.' : ''
}

async function upload(files) {
  let count = 0
  for (const file of files) {
    say(`Uploading ${file.name} (${++count} of ${files.length})`, true)
    const url = `/file/${join(...here(), file.name.normalize('NFC'))}`
    await uploadOne(url, file)
  }
  say(`${count} ${count === 1 ? 'file' : 'files'} uploaded`)
}

/** What is there already is replaced only when the person says so. */
async function uploadOne(url, file) {
  const response = await fetch(url, { method: 'PUT', body: file, headers: { 'if-none-match': '*' } })
  if (response.ok) return
  if (response.status !== 409 && response.status !== 412) {
    const answer = await response.json().catch(() => ({}))
    throw new Error(answer.problem ?? `${file.name}: the node answered ${response.status}`)
  }
  if (confirm(`“${file.name}” is there already. Replace it?`)) await ask(url, { method: 'PUT', body: file })
}

async function removeEntry(name, kind) {
  const what = kind === 'folder' ? `the folder “${name}” and everything in it` : `“${name}”`
  if (!confirm(`Delete ${what}?`)) return
  await ask(`/file/${join(...here(), name)}`, { method: 'DELETE' })
  say(`“${name}” deleted`)
  await show()
}

async function makeFolder() {
  const name = prompt('Name of the new folder')?.trim().normalize('NFC')
  if (name === undefined || name === '') return
  await ask(`/api/folder/${join(...here(), name)}`, { method: 'POST' })
  await show()
}

const uploadAll = (files) => guarded(() => upload([...files]).finally(() => show()))

at('make').addEventListener('click', () => guarded(makeFolder))
at('more').addEventListener('click', () => guarded(() => show({ goesOn: true })))
at('upload').addEventListener('change', ({ target }) => {
  void uploadAll(target.files).then(() => (target.value = ''))
})
addEventListener('hashchange', () => guarded(() => show()))
addEventListener('dragover', (event) => {
  event.preventDefault()
  document.body.classList.add('dropping')
})
addEventListener('dragleave', () => document.body.classList.remove('dropping'))
addEventListener('drop', (event) => {
  event.preventDefault()
  document.body.classList.remove('dropping')
  void uploadAll(event.dataTransfer.files)
})

await guarded(() => show())
