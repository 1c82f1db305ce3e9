const { main, must, signIn } = require('./client.cjs')

const text = async (answer) => await must(answer).text()

main(async (given) => {
  const client = await signIn(given)
  const bucket = client.storage.from(given.bucket)
  const at = (name) => `${given.folder}/${name}`
  must(await bucket.upload(at('a.txt'), 'first', { contentType: 'text/plain' }))
  const copied = must(await bucket.copy(at('a.txt'), at('b.txt'))).path
  const copyText = await text(await bucket.download(at('b.txt')))
  const moved = must(await bucket.move(at('a.txt'), at('c.txt'))).message
  const movedText = await text(await bucket.download(at('c.txt')))
  const foreign = (await bucket.copy(at('b.txt'), 'somebody/b.txt')).error.statusCode
  must(await bucket.copy(at('b.txt'), at('d.txt'), { destinationBucket: given.other }))
  must(await bucket.move(at('b.txt'), at('e.txt'), { destinationBucket: given.other }))
  const elsewhere = await text(await client.storage.from(given.other).download(at('e.txt')))
  must(await bucket.copy(at('c.txt'), at('b.txt')))

  const { token } = must(await bucket.createSignedUploadUrl(at('signed.txt')))
  const signed = must(await bucket.uploadToSignedUrl(at('signed.txt'), token, 'signed'))
  const used = (await bucket.uploadToSignedUrl(at('signed.txt'), token, 'twice')).error.statusCode
  const signedText = await text(await bucket.download(at('signed.txt')))
  const forBlob = must(await bucket.createSignedUploadUrl(at('blob.txt')))
  must(await bucket.uploadToSignedUrl(at('blob.txt'), forBlob.token, new Blob(['from a blob'])))
  const blobText = await text(await bucket.download(at('blob.txt')))
  const upsert = must(await bucket.createSignedUploadUrl(at('blob.txt'), { upsert: true }))
  must(await bucket.uploadToSignedUrl(at('blob.txt'), upsert.token, new Blob(['again'])))
  const upsertText = await text(await bucket.download(at('blob.txt')))

  const pages = []
  let cursor
  do {
    const page = must(await bucket.listV2({ prefix: at(''), limit: 2, cursor }))
    pages.push(page.objects.map((one) => one.name.split('/').pop()))
    cursor = page.nextCursor
  } while (cursor)
  const signedPath = signed.path
  return { copied, copyText, moved, movedText, foreign, elsewhere, signedPath, signedText, used, blobText, upsertText, pages }
})
