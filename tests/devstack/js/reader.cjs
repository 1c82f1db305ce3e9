// Subscribes and says so; the test then stops this process to make it a slow reader.
const { main, newClient } = require('./client.cjs')

main((given) => new Promise(() => {
  newClient(given).channel(given.topic).on('broadcast', { event: '*' }, () => {})
    .subscribe((state) => process.stdout.write(state + '\n'))
}))
