// Takes a lock, says so, and holds it until it is killed.
import { NodeFileSystem } from '@streambed/sdk/node'

await new NodeFileSystem().lock(process.argv[2]!)
process.stdout.write('locked\n')
process.stdin.resume()
