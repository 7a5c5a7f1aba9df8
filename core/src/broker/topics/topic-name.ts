const nameCharactersMax = 249

/** What is wrong with a topic's name; undefined when nothing is. */
export function topicNameProblem (name: string): string | undefined {
  if (name === '') return 'a topic name must not be empty'
  if (name === '.' || name === '..') return 'a topic name must not be "." or ".."'
  if (name.length > nameCharactersMax) return `a topic name has at most ${nameCharactersMax} characters, got ${name.length}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return 'a topic name consists of letters, digits, ".", "_" and "-" of ASCII'
  return undefined
}

/** Names with the same form collide: tools and metrics take "." and "_" for each other. */
export function collisionForm (name: string): string { return name.replaceAll('.', '_') }
