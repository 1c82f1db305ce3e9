const { main, must, newClient } = require('./client.cjs')

const until = (emit) => new Promise((resolve) => emit(resolve))

main(async (given) => {
  const client = newClient(given, given.anonKey, { realtime: { vsn: given.vsn } })
  must(await client.auth.signInWithPassword({ email: given.email, password: given.password }))
  await client.realtime.setAuth()

  const waiting = new Map()
  const heard = (event) => new Promise((resolve) => waiting.set(event, resolve))
  const states = []
  const config = { private: true, broadcast: { self: true, ack: true } }
  const channel = client.channel(given.topic, { config })
  channel.on('broadcast', { event: '*' }, (message) => waiting.get(message.event)?.(message.payload))
  await until((done) => channel.subscribe((state) => { states.push(state); done() }))

  const own = heard('own')
  const acknowledged = await channel.send({ type: 'broadcast', event: 'own', payload: { text: 'grüße' } })
  const http = heard('http')
  await channel.httpSend('http', { by: 'http' })
  const batch = heard('batch')
  await fetch(`${given.url}/realtime/v1/api/broadcast`, {
    method: 'POST',
    headers: {
      apikey: given.anonKey, 'Content-Type': 'application/json',
      Authorization: `Bearer ${must(await client.auth.getSession()).session.access_token}`,
    },
    body: JSON.stringify({ messages: [
      { topic: given.topic, event: 'batch', payload: { by: 'batch' }, private: true }] }),
  })
  let bytes = null
  if (given.vsn === '2.0.0') {
    const raw = heard('bytes')
    await channel.send({ type: 'broadcast', event: 'bytes', payload: new Uint8Array([1, 2, 250]).buffer })
    bytes = [...new Uint8Array(await raw)]
  }
  const tracked = await channel.track({ at: 'home' })
  const refused = await until((done) =>
    client.channel('closed:room', { config: { private: true } })
      .subscribe((state, error) => error && done(error)))
  const result = {
    own: await own, http: await http, batch: await batch, acknowledged, bytes, tracked, states,
    refused: refused.message,
  }
  return { ...result, left: await client.removeChannel(channel) }
})
