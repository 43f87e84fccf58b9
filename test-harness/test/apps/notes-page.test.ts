/** The page of Notes in a real browser: what a person does with it, also without a mouse and in the dark. */
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { InstalledApp } from '../../src/installed-app.ts'
import { type AppNode, hasProgram, startAppNode } from './app-fixture.ts'

const program = ['chromium', 'chromium-browser', 'google-chrome'].find(hasProgram)
const missing = program === undefined ? ' (needs chromium, see tools/setup-extras)' : ''
/** Where pictures of the page go when somebody wants to look at it. */
const pictures = process.env['PICTURES'] ?? ''

describe.skipIf(program === undefined)(`the page of notes${missing}`, () => {
  let home: AppNode
  let notes: InstalledApp
  let browser: Browser
  let page: Page
  let problems: string[]

  beforeAll(async () => {
    home = await startAppNode()
    notes = await home.install('notes')
    browser = await chromium.launch({
      executablePath: `/usr/bin/${program ?? ''}`,
      args: ['--no-sandbox', '--disable-dev-shm-usage']
    })
  })
  afterAll(async () => {
    await browser.close()
    await home[Symbol.asyncDispose]()
  })

  beforeEach(async () => {
    problems = []
    page = await openPage()
  })
  afterEach(async () => {
    await page.close()
    expect(problems).toEqual([])
  })

  async function openPage(): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width: 1100, height: 720 } })
    opened.on('pageerror', (error) => problems.push(error.message))
    opened.on('console', (line) => line.type() === 'error' && problems.push(line.text()))
    await opened.goto(notes.url)
    await opened.getByText('Live', { exact: true }).waitFor()
    return opened
  }

  async function picture(name: string): Promise<void> {
    if (pictures === '') return
    mkdirSync(join(tmpdir(), pictures), { recursive: true })
    await page.screenshot({ path: join(tmpdir(), pictures, `${name}.png`) })
  }

  async function writeNote(title: string, text: string): Promise<void> {
    await page.getByRole('button', { name: 'New note' }).click()
    await page.getByLabel('Title').fill(title)
    await page.getByLabel('Text').fill(text)
    await page.getByText('Saved', { exact: true }).waitFor()
    await page.getByRole('button', { name: title }).waitFor()
  }

  const titles = async (): Promise<readonly string[]> => await page.locator('#list b').allTextContents()

  test('creates, edits, searches; after a reload everything is there', async () => {
    await picture('empty')
    await writeNote('Shopping', 'Bread, milk and a kilo of apples')
    await writeNote('Holidays', 'By train over the Alps, then to the sea')
    await writeNote('Reading list', 'The Left Hand of Darkness\nInvisible Cities')
    expect(await titles()).toEqual(['Reading list', 'Holidays', 'Shopping'])
    await page.getByRole('button', { name: 'Shopping' }).click()
    await page.locator('#text:focus').waitFor()
    await page.getByLabel('Text').fill('Bread, milk and two kilos of apples')
    await page.getByText('Saved', { exact: true }).waitFor()
    await picture('edited')
    await page.getByRole('searchbox').fill('train alps')
    await page.locator('#count', { hasText: '1 of 3 notes' }).waitFor()
    expect(await titles()).toEqual(['Holidays'])
    await picture('search')
    await page.reload()
    await page.locator('#count', { hasText: '3 notes' }).waitFor()
    await expect.poll(() => page.getByLabel('Title').inputValue()).toBe('Shopping')
    expect(await page.getByLabel('Text').inputValue()).toBe('Bread, milk and two kilos of apples')
  })

  test('is written with the keyboard alone', async () => {
    await page.keyboard.press('Alt+KeyN')
    await page.keyboard.type('Keyboard')
    await page.keyboard.press('Enter')
    await page.keyboard.type('no mouse')
    await page.getByText('Saved', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('/')
    await page.keyboard.type('holidays')
    await page.locator('#count', { hasText: '1 of 4 notes' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.locator('#text:focus').waitFor()
    expect(await page.getByLabel('Title').inputValue()).toBe('Holidays')
  })

  test('shows on one page what is written on another, and asks when both write', async () => {
    await page.getByRole('button', { name: 'Holidays' }).click()
    await page.locator('#text:focus').waitFor()
    const other = await openPage()
    await other.getByRole('button', { name: 'Holidays' }).click()
    await other.locator('#text:focus').waitFor()
    await other.getByLabel('Text').fill('By boat')
    await page.getByText('Changed elsewhere', { exact: true }).waitFor()
    expect(await page.getByLabel('Text').inputValue()).toBe('By boat')

    // the change and the typing cross: the page holds back what it would have sent
    await page.route('**/api/notes/*', async (route) => {
      if (route.request().method() === 'PUT') await new Promise((resolve) => setTimeout(resolve, 800))
      await route.continue()
    })
    await page.getByLabel('Text').fill('By bicycle')
    await other.getByLabel('Text').fill('On foot')
    await page.getByText('This note was changed elsewhere').waitFor()
    await picture('conflict')
    await page.getByRole('button', { name: 'Keep mine' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    await expect.poll(() => other.getByLabel('Text').inputValue()).toBe('By bicycle')
    await other.close()
    problems = problems.filter((problem) => !problem.includes('412')) // that the browser itself notes
  })

  test('deletes a note, and brings it back', async () => {
    await writeNote('By mistake', 'not to be lost')
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('“By mistake” deleted').waitFor()
    await picture('deleted')
    expect(await titles()).not.toContain('By mistake')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('button', { name: 'By mistake' }).waitFor()
    await expect.poll(() => page.getByLabel('Text').inputValue()).toBe('not to be lost')
  })

  test('fits a telephone and the dark, and everything on it has a name', async () => {
    await page.setViewportSize({ width: 390, height: 720 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture('telephone-list')
    await page.getByRole('button', { name: 'Reading list' }).click()
    await page.getByLabel('Text').waitFor()
    await picture('telephone-note')
    expect(await page.getByRole('searchbox').isVisible()).toBe(false)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    await page.getByRole('button', { name: 'All notes' }).click()
    expect(await page.getByRole('searchbox').isVisible()).toBe(true)
    const nameless = await page.evaluate(`[...document.querySelectorAll('button, input, textarea')]
      .filter((one) => one.checkVisibility() && !(one.labels?.length || one.textContent.trim())).length`)
    expect(nameless).toBe(0)
    await page.setViewportSize({ width: 1100, height: 720 })
    await page.getByRole('button', { name: 'Shopping' }).click()
    await page.getByLabel('Text').waitFor()
    await picture('dark')
  })
})
