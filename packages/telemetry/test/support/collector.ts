import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Post {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** An OTLP collector as far as the wire goes. `answer`: the status it gives, or `never`; `said`: what else. */
export async function collector(
  answer: number | 'never' = 200,
  said?: Uint8Array,
): Promise<{ readonly url: string; readonly posts: Post[]; close(): Promise<void> }> {
  const posts: Post[] = []
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    posts.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
    if (answer !== 'never') response.writeHead(answer).end(said)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
