// Opens copies of a file, each with one page less, and reads all there is: what the check lets pass must not kill the process.
// Prints for each `whole` or the code of the refusal.
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const [path = '', pages = '10'] = process.argv.slice(2)
const whole = await readFile(join(path, 'data.mdb'))
for (let less = 0; less <= Number(pages); less++) {
  const at = join(path, `less-${less}`)
  await mkdir(at)
  await writeFile(join(at, 'data.mdb'), whole.subarray(0, whole.length - less * 4096))
  try {
    const durable = await openDurable({ path: at })
    let read = 0
    for await (const { value } of durable.store.scan()) read += value.length
    await durable.store.commit('one-more', 0, { owner: 'a', token: 1 }, Buffer.alloc(20_000, 7))
    const added = (await durable.store.get('one-more'))?.value.length
    await durable.close()
    console.log(`whole ${read} ${added}`)
  } catch (error) {
    console.log(isStoreError(error) ? error.code : String(error))
  }
}
