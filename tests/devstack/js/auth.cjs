const { main, must, newClient, signIn, version } = require('./client.cjs')

const told = ({ error }) => ({ status: error?.status, code: error?.code })

main(async (given) => {
  const client = await signIn(given)
  const before = must(await client.auth.getSession()).session.refresh_token
  const user = must(await client.auth.getUser()).user
  const claims = must(await client.auth.getClaims()).claims
  const refreshed = must(await client.auth.refreshSession()).session.refresh_token !== before
  const changed = must(await client.auth.updateUser({ data: { full_name: 'Ada' } })).user
  const token = must(await client.auth.getSession()).session.access_token
  must(await client.auth.signOut())
  const gone = await newClient(given).auth.getUser(token)

  const visitor = newClient(given)
  const wrong = await visitor.auth.signInWithPassword({ email: given.email, password: 'wrong' })
  const signUp = await visitor.auth.signUp({ email: 'new@example.com', password: 'long enough' })
  const notAdmin = await visitor.auth.admin.listUsers()

  const admin = newClient(given, given.serviceKey).auth.admin
  const made = must(await admin.createUser({ email: `js-${given.email}`, password: 'long enough' })).user
  const list = must(await admin.listUsers({ page: 1, perPage: 1000 }))
  must(await admin.deleteUser(made.id))
  const after = await admin.getUserById(made.id)

  return {
    version,
    userId: user.id,
    claimsSub: claims.sub,
    refreshed,
    fullName: changed.user_metadata.full_name,
    afterSignOut: gone.error?.name,
    wrong: told(wrong),
    signUp: told(signUp),
    notAdmin: told(notAdmin),
    created: Boolean(made.id),
    listed: list.users.some((one) => one.id === made.id),
    total: list.total,
    deleted: after.error?.code === 'user_not_found',
  }
})
