const crypto = require('node:crypto')
const { main, must, newClient, signIn } = require('./client.cjs')

// RFC 6238, for the half minute `shift` away from now.
const codeOf = (secret, shift = 0) => {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + shift))
  const mac = crypto.createHmac('sha1', key).update(counter).digest()
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0')
}
const level = async (client) => {
  const { currentLevel, nextLevel } = must(await client.auth.mfa.getAuthenticatorAssuranceLevel())
  return { currentLevel, nextLevel }
}

main(async (given) => {
  const client = await signIn(given)
  const before = await level(client)
  const made = must(await client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
  const challenge = must(await client.auth.mfa.challenge({ factorId: made.id }))
  const first = codeOf(made.totp.secret)
  must(await client.auth.mfa.verify({ factorId: made.id, challengeId: challenge.id, code: first }))
  const enrolled = await level(client)
  const later = await signIn(given)
  const next = await level(later)
  must(await later.auth.mfa.challengeAndVerify({ factorId: made.id, code: codeOf(made.totp.secret, 1) }))
  const listed = must(await later.auth.mfa.listFactors())
  const removed = must(await later.auth.mfa.unenroll({ factorId: made.id }))
  const lost = must(await later.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'lost' }))
  const admin = newClient(given, given.serviceKey).auth.admin.mfa
  const { factors } = must(await admin.listFactors({ userId: given.userId }))
  must(await admin.deleteFactor({ id: lost.id, userId: given.userId }))
  const refused = await later.auth.mfa.challenge({ factorId: lost.id })
  return {
    qr: made.totp.qr_code.slice(0, 40),
    uri: new URL(made.totp.uri).protocol,
    before,
    enrolled,
    next,
    totp: listed.totp.length,
    removed: removed.id === made.id,
    lost: factors.length === 1 && factors[0].id === lost.id,
    refused: refused.error.code,
  }
})
