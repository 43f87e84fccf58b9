import { expect, it } from 'vitest'
import { createLazyApps } from '../../src/apps/lazy-apps.ts'

it('apps that are asked for after the node began to stop are not opened', async () => {
  const apps = createLazyApps(() => {
    throw new Error('nothing may be opened')
  })
  await apps.close()
  await expect(apps.get()).rejects.toMatchObject({ code: 'ERR_NODE_STOPPING' })
  expect(await apps.loaded()).toBeUndefined()
})
