/** The page of Notes: a list that follows the server, and an editor that saves by itself. */
import { NoteStore } from './note-store.js'

const saveAfterMs = 400
const searchAfterMs = 120
const toastMs = 8000

const at = (id) => document.getElementById(id)
const store = new NoteStore()

/** The note in the editor; `saved` is the text that the server has. */
let open
let saveTimer
let searchTimer
let toastTimer
let saving = Promise.resolve()

function textOfEditor() {
  const title = at('title').value.trim()
  const body = at('text').value
  return body === '' ? title : `${title}\n${body}`
}

function fillEditor(text) {
  const end = text.indexOf('\n')
  at('title').value = end < 0 ? text : text.slice(0, end)
  at('text').value = end < 0 ? '' : text.slice(end + 1)
}

function show(state, kind = '') {
  at('state').textContent = state
  at('state').dataset.kind = kind
}

function isDirty() {
  return open !== undefined && textOfEditor() !== open.saved
}

function showEditor(note) {
  open = note
  at('editor').hidden = note === undefined
  at('empty').hidden = note !== undefined
  at('conflict').hidden = true
  document.body.classList.toggle('writing', note !== undefined)
  document.title = note === undefined ? 'Notes' : `${titleOf(note.saved)} – Notes`
  if (note !== undefined) fillEditor(note.saved)
  show('')
  markChosen()
}

function titleOf(text) {
  return text.split('\n', 1)[0].trim() || 'Untitled'
}

/** The address of the page names the open note, so a reload and the back button lead to it. */
function nameInAddress(id) {
  const hash = id === undefined ? '' : `#${id}`
  if (location.hash !== hash) history.pushState(undefined, '', hash === '' ? location.pathname : hash)
}

async function choose(id, { focus = false } = {}) {
  await save()
  if (id === undefined) return showEditor(undefined)
  try {
    const note = await store.read(id)
    showEditor(note === undefined ? undefined : { id, version: note.version, saved: note.text })
    if (note === undefined) toast('That note is gone')
    else if (focus) at('text').focus()
  } catch (error) {
    toast(error.message)
  }
}

async function startNote() {
  await save()
  nameInAddress(undefined)
  showEditor({ id: undefined, version: undefined, saved: '' })
  at('title').focus()
}

/** One save at a time; what was typed meanwhile is saved by the next. */
function save() {
  clearTimeout(saveTimer)
  saving = saving.then(saveNow)
  return saving
}

async function saveNow() {
  const note = open
  if (note === undefined || !isDirty() || !at('conflict').hidden) return
  const text = textOfEditor()
  show('Saving …')
  try {
    const stored = note.id === undefined ? await store.create(text) : await store.write(note, text)
    if (stored === undefined) {
      at('conflict').hidden = false
      return show('Not saved', 'problem')
    }
    Object.assign(note, { id: stored.id, version: stored.version, saved: text })
    if (open !== note) return
    nameInAddress(note.id)
    document.title = `${titleOf(text)} – Notes`
    show(isDirty() ? '' : 'Saved')
  } catch (error) {
    show(`Not saved: ${error.message}`, 'problem')
    saveTimer = setTimeout(save, 5000)
  }
}

function onInput() {
  if (open === undefined) return
  show('')
  clearTimeout(saveTimer)
  saveTimer = setTimeout(save, saveAfterMs)
}

async function removeOpen() {
  const note = open
  if (note === undefined) return
  const text = textOfEditor()
  clearTimeout(saveTimer)
  await saving
  showEditor(undefined)
  nameInAddress(undefined)
  if (note.id === undefined) return
  try {
    await store.remove(note.id)
    toast(`“${titleOf(text)}” deleted`, async () => {
      await store.write({ id: note.id }, text)
      nameInAddress(note.id)
      await choose(note.id, { focus: true })
    })
  } catch (error) {
    toast(error.message)
  }
  await list()
  focusList()
}

function toast(message, undo) {
  clearTimeout(toastTimer)
  at('message').textContent = message
  at('undo').hidden = undo === undefined
  at('undo').onclick = () => {
    at('toast').hidden = true
    void undo?.()
  }
  at('toast').hidden = false
  toastTimer = setTimeout(() => (at('toast').hidden = true), toastMs)
}

const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

function when(milliseconds) {
  const date = new Date(milliseconds)
  const isToday = date.toDateString() === new Date().toDateString()
  return (isToday ? timeFormat : dayFormat).format(date)
}

/** Rows stay the same elements, so that focus and scrolling stay where they are. */
async function list() {
  const query = at('query').value.trim()
  let answer
  try {
    answer = await store.list(query)
  } catch {
    return showLink('lost')
  }
  if (query !== at('query').value.trim()) return // a later answer is on its way
  const former = new Map([...at('list').children].map((row) => [row.dataset.id, row]))
  at('list').replaceChildren(
    ...answer.notes.map((note) => fillRow(former.get(note.id) ?? createRow(note.id), note))
  )
  const isEmpty = answer.notes.length === 0
  at('none').hidden = !isEmpty
  at('list').hidden = isEmpty
  at('none').textContent = query === '' ? 'No notes yet.' : `Nothing found for “${query}”.`
  const total = `${answer.total} ${answer.total === 1 ? 'note' : 'notes'}`
  at('count').textContent = query === '' ? total : `${answer.found} of ${total}`
  markChosen()
}

function createRow(id) {
  const row = document.createElement('li')
  row.dataset.id = id
  const button = document.createElement('button')
  button.type = 'button'
  button.append(document.createElement('b'), document.createElement('span'))
  button.addEventListener('click', () => {
    nameInAddress(id)
    void choose(id, { focus: true })
  })
  row.append(button)
  return row
}

function fillRow(row, { title, excerpt, modified, conflict }) {
  const heading = row.querySelector('b')
  heading.textContent = title === '' ? 'Untitled' : title
  heading.classList.toggle('untitled', title === '')
  row.querySelector('span').textContent = [
    when(modified),
    conflict ? 'written on two machines at once' : '',
    excerpt
  ]
    .filter((part) => part !== '')
    .join(' · ')
  return row
}

function markChosen() {
  for (const row of at('list').children) {
    row.firstChild.setAttribute('aria-current', String(open?.id === row.dataset.id))
  }
}

function focusList() {
  const chosen = at('list').querySelector('[aria-current="true"]') ?? at('list').querySelector('button')
  ;(chosen ?? at('query')).focus()
}

function moveInList(step) {
  const buttons = [...at('list').querySelectorAll('button')]
  const next = buttons.indexOf(document.activeElement) + step
  if (next < 0) at('query').focus()
  else buttons[Math.min(next, buttons.length - 1)]?.focus()
}

/** Somebody changed something: here, on another page, or in the folder itself. */
async function onChange(id) {
  await saving
  void list()
  if (open?.id === undefined || (id !== '' && id !== open.id)) return
  const note = open
  const found = await store.read(note.id).catch(() => undefined)
  if (open !== note || found?.version === note.version) return
  if (isDirty()) {
    at('conflict').hidden = false
    return show('Not saved', 'problem')
  }
  if (found === undefined) {
    showEditor(undefined)
    nameInAddress(undefined)
    return toast('The note was deleted elsewhere')
  }
  const { selectionStart, selectionEnd } = at('text')
  Object.assign(note, { version: found.version, saved: found.text })
  fillEditor(found.text)
  at('text').setSelectionRange(selectionStart, selectionEnd)
  show('Changed elsewhere')
}

async function takeTheirs() {
  const { id } = open
  open.saved = textOfEditor()
  showEditor(undefined)
  await choose(id, { focus: true })
}

async function keepMine() {
  open.version = undefined
  at('conflict').hidden = true
  at('text').focus()
  await save()
}

function showLink(state) {
  at('link').dataset.state = state
  at('link').textContent = { live: 'Live', lost: 'Not connected', waiting: 'Connecting' }[state]
}

function onKey(event) {
  const inField = event.target.matches('input, textarea')
  const inList = event.target.closest('#list') !== null
  if (event.altKey && event.code === 'KeyN') void startNote()
  else if (event.key === '/' && !inField) at('query').focus()
  else if (event.key === 'Escape' && event.target.id !== 'query') focusList()
  else if (event.key === 'ArrowDown' && (inList || event.target.id === 'query')) moveInList(1)
  else if (event.key === 'ArrowUp' && inList) moveInList(-1)
  else if (event.key === 'Enter' && event.target.id === 'title') at('text').focus()
  else return
  event.preventDefault()
}

document.addEventListener('keydown', onKey)
at('new').addEventListener('click', startNote)
at('back').addEventListener('click', () => {
  nameInAddress(undefined)
  void choose(undefined)
})
at('delete').addEventListener('click', removeOpen)
at('theirs').addEventListener('click', takeTheirs)
at('mine').addEventListener('click', keepMine)
at('editor').addEventListener('submit', (event) => event.preventDefault())
at('editor').addEventListener('input', onInput)
at('editor').addEventListener('focusout', save)
at('query').addEventListener('input', () => {
  clearTimeout(searchTimer)
  searchTimer = setTimeout(list, searchAfterMs)
})
addEventListener('popstate', () => choose(location.hash.slice(1) || undefined))
addEventListener('beforeunload', (event) => {
  if (isDirty()) event.preventDefault()
})

store.follow({ onChange, onLink: showLink })
await list()
if (location.hash !== '') await choose(location.hash.slice(1))
