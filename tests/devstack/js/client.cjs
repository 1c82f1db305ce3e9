// Reads what the test gave on stdin, runs the scenario, prints its result as one JSON line.
const { createClient } = require('@supabase/supabase-js')
const { version } = require('@supabase/supabase-js/package.json')

const options = { auth: { persistSession: false, autoRefreshToken: false } }

exports.version = version
exports.newClient = (given, key = given.anonKey, more = {}) => createClient(given.url, key, { ...options, ...more })

exports.main = async (scenario) => {
  let text = ''
  for await (const chunk of process.stdin) text += chunk
  const result = await scenario(JSON.parse(text))
  process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0))
}

exports.signIn = async (given, email = given.email) => {
  const client = exports.newClient(given)
  const { error } = await client.auth.signInWithPassword({ email, password: given.password })
  if (error) throw error
  return client
}

exports.must = ({ data, error }) => {
  if (error) throw error
  return data
}
