const { main, must, newClient } = require('./client.cjs')

main(async (given) => {
  const mail = async () => (await (await fetch(`${given.url}/mails?to=${encodeURIComponent(given.email)}`)).json())[0]
  const pkce = (storage) => newClient(given, given.anonKey, { auth: { flowType: 'pkce', persistSession: true, autoRefreshToken: false, storage } })
  const store = new Map()
  const storage = {
    getItem: (key) => store.get(key) ?? null,
    setItem: (key, value) => void store.set(key, value),
    removeItem: (key) => void store.delete(key),
  }
  const client = pkce(storage)
  const redirectTo = `${given.site}/callback?next=/me`
  must(await client.auth.signInWithOtp({ email: given.email, options: { emailRedirectTo: redirectTo, shouldCreateUser: false } }))
  const first = await mail()
  const landed = new URL((await fetch(first.link, { redirect: 'manual' })).headers.get('location'))
  const again = new URL((await fetch(first.link, { redirect: 'manual' })).headers.get('location'))
  const code = landed.searchParams.get('code')
  const thief = await pkce({ getItem: (key) => (key.endsWith('verifier') ? '"x"' : null), setItem() {}, removeItem() {} }).auth.exchangeCodeForSession(code)
  const session = must(await client.auth.exchangeCodeForSession(code)).session
  const claims = JSON.parse(Buffer.from(session.access_token.split('.')[1], 'base64url'))
  return {
    next: landed.searchParams.get('next'),
    hash: landed.hash,
    again: again.searchParams.get('error_code'),
    thief: thief.error?.code,
    userId: session.user.id,
    method: claims.amr[0].method,
  }
})
