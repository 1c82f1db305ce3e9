const { main, must, newClient } = require('./client.cjs')

main(async (given) => {
  const mails = async () => (await fetch(`${given.url}/mails?to=${encodeURIComponent(given.email)}`)).json()
  const client = newClient(given)
  const redirectTo = `${given.site}/new-password`
  const sent = await client.auth.resetPasswordForEmail(given.email, { redirectTo })
  const soon = await client.auth.signInWithOtp({ email: given.email, options: { shouldCreateUser: false } })
  const [mail] = await mails()
  const session = must(await client.auth.verifyOtp({ email: given.email, token: mail.code, type: 'recovery' }))
  const again = await client.auth.verifyOtp({ token_hash: mail.token_hash, type: 'recovery' })

  const admin = newClient(given, given.serviceKey).auth.admin
  const invited = must(await admin.inviteUserByEmail(`js-${given.email}`, { redirectTo }))
  const exists = await admin.inviteUserByEmail(given.email)
  const link = must(await admin.generateLink({ type: 'recovery', email: given.email }))

  return {
    sent: sent.error,
    soon: soon.error?.code,
    userId: session.user.id,
    again: again.error?.code,
    invited: Boolean(invited.user.invited_at),
    exists: exists.error?.code,
    linkType: link.properties.verification_type,
  }
})
