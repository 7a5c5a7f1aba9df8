/** Keeps the process alive until the returned function is called: timers of `SystemClock` do not. */
export function keepAlive (): () => void {
  const timer = setInterval(() => undefined, 2 ** 30)
  return () => clearInterval(timer)
}
