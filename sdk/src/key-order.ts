/**
 * Orders keys by their UTF-8 bytes, which is the order of code points but not that of JavaScript's strings. Negative:
 * `a` comes first.
 */
export function compareKeys (a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let at = 0; at < end; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === right) continue
    // Of units that differ, a surrogate stands for a code point above all others.
    const leftIsSurrogate = (left & 0xf800) === 0xd800
    const rightIsSurrogate = (right & 0xf800) === 0xd800
    return leftIsSurrogate === rightIsSurrogate ? left - right : leftIsSurrogate ? 1 : -1
  }
  return a.length - b.length
}
