const { main, must, newClient, signIn } = require('./client.cjs')

const told = ({ error }) => ({ status: error.status, statusCode: error.statusCode })
const text = async (answer) => await must(answer).text()

main(async (given) => {
  const bucket = (await signIn(given)).storage.from(given.bucket)
  const at = (name) => `${given.folder}/${name}`
  must(await bucket.upload(at('raw.txt'), 'raw body', { contentType: 'text/plain' }))
  const file = new Blob(['from a blob'], { type: 'text/csv' })
  must(await bucket.upload(at('blob file.csv'), file, { metadata: { from: 'js' } }))
  const stream = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 3; n++) controller.enqueue(new Uint8Array(100000))
      controller.close()
    },
  })
  must(await bucket.upload(at('stream.bin'), stream, { contentType: 'application/octet-stream', duplex: 'half' }))

  const duplicate = await bucket.upload(at('raw.txt'), 'again')
  const foreign = await bucket.upload('somebody-else/raw.txt', 'x')
  const raw = await text(await bucket.download(at('raw.txt')))
  const info = must(await bucket.info(at('blob file.csv')))
  const names = must(await bucket.list(given.folder)).map((entry) => entry.name)
  const exists = await bucket.exists(at('raw.txt'))
  const missing = await bucket.exists(at('nothing.txt'))
  const { signedUrl } = must(await bucket.createSignedUrl(at('blob file.csv'), 60))
  const signed = await (await fetch(signedUrl)).text()
  const blob = await text(await bucket.download(at('blob file.csv')))
  const many = must(await bucket.createSignedUrls([at('raw.txt'), at('nothing.txt')], 60))
  must(await bucket.update(at('raw.txt'), 'second'))
  const updated = await text(await bucket.download(at('raw.txt')))
  const removed = must(await bucket.remove([at('raw.txt'), at('blob file.csv')]))

  return {
    raw,
    blob,
    signed,
    stream: must(await bucket.info(at('stream.bin'))).size,
    blobType: info.contentType,
    userMetadata: info.metadata,
    names,
    exists: exists.data,
    missing: missing.data,
    duplicate: told(duplicate),
    foreign: told(foreign),
    updated,
    signedMany: many.map((one) => Boolean(one.signedUrl)),
    removed: removed.map((row) => row.name.split('/').pop()),
  }
})
