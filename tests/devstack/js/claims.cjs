const { main, must, newClient } = require('./client.cjs')

main(async (given) => {
  const asked = []
  const fetchNoted = (input, init) => {
    asked.push(new URL(input.url ?? input).pathname.split('/').pop())
    return fetch(input, init)
  }
  const client = newClient(given, given.anonKey, { global: { fetch: fetchNoted } })
  const { header } = must(await client.auth.getClaims(given.token))
  return { alg: header.alg, kid: header.kid, asked }
})
