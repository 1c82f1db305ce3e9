const { main, must, newClient, signIn } = require('./client.cjs')

main(async (given) => {
  const reader = await signIn(given)
  const page = await reader.from(given.table).select('*', { count: 'exact' }).order('id').range(10, 12)
  const head = await reader.from(given.table).select('*', { count: 'exact', head: true })
  const filtered = must(await reader.from(given.table).select('name').eq('name', 'thing 7'))
  const rows = Array.from({ length: 2000 }, (_, n) => ({ n, text: 'é'.repeat(200) }))
  const rpc = must(await newClient(given, given.serviceKey).rpc('gateway_count', { rows }))
  const refused = await reader.from(given.table).delete().eq('id', 1)
  return {
    page: must(page).map((row) => row.id),
    count: page.count,
    headCount: head.count,
    filtered: filtered.map((row) => row.name),
    rpc,
    refused: refused.error.code,
  }
})
