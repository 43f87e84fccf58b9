import { testBlockKernel } from '../src/conformance.ts'
import { chooseBlockKernel, createNativeBlockKernel } from '../src/native-blocks.ts'

import { createPortableBlockKernel, createSimdBlockKernel } from '../src/portable-blocks.ts'

testBlockKernel('portable', createPortableBlockKernel)
testBlockKernel('native', createNativeBlockKernel)
testBlockKernel('simd', createSimdBlockKernel)
testBlockKernel('simd with a native cipher for large blocks', chooseBlockKernel)
