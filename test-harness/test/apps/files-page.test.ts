/** The page of Files in a real browser. */
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasProgram, startAppNode } from './app-fixture.ts'

const program = ['chromium', 'chromium-browser', 'google-chrome'].find(hasProgram)
const isThere = program !== undefined && hasProgram('clang') && hasProgram('wasm-ld')
const missing = isThere ? '' : ' (needs chromium, clang and lld, see tools/setup-extras)'
/** Where pictures of the page go when somebody wants to look at it. */
const pictures = process.env['PICTURES'] ?? ''

describe.skipIf(!isThere)(`the page of files${missing}`, () => {
  test('uploads, goes into folders, downloads and deletes', async () => {
    await using home = await startAppNode()
    await home.node.call('file.mkdir', { path: '/photos' })
    await home.node.call('file.mkdir', { path: '/photos/Sommer & See' })
    const files = await home.install('files', { folder: '/photos' })
    const browser = await chromium.launch({
      executablePath: `/usr/bin/${program ?? ''}`,
      args: ['--no-sandbox', '--disable-dev-shm-usage']
    })
    try {
      const page = await browser.newPage({ viewport: { width: 1000, height: 600 } })
      const problems: string[] = []
      page.on('pageerror', (error) => problems.push(error.message))
      page.on('dialog', (dialog) => void dialog.accept())
      await page.goto(files.url)
      await page.getByRole('link', { name: 'Sommer & See' }).click()
      await page.getByText('This folder is empty').waitFor()
      const upload = { name: 'größe 100%.bin', mimeType: '', buffer: Buffer.alloc(300_000, 7) }
      await page.getByLabel('Upload').setInputFiles([upload, { ...upload, name: 'b.txt' }])
      await page.getByText('2 files uploaded').waitFor()
      if (pictures !== '') {
        mkdirSync(join(tmpdir(), pictures), { recursive: true })
        await page.screenshot({ path: join(tmpdir(), pictures, 'files.png') })
      }
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'größe 100%.bin' }).click()
      ])
      expect(download.suggestedFilename()).toContain('größe 100')
      await page.getByRole('button', { name: 'Delete b.txt' }).click()
      await page.getByText('“b.txt” deleted').waitFor()
      await page.reload()
      await page.getByRole('link', { name: 'größe 100%.bin' }).waitFor()
      const { entries } = await home.node.call('file.list', { path: '/photos/Sommer & See' })
      expect(entries.map(({ name }) => name)).toEqual(['größe 100%.bin'])
      expect(problems).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
