// A timer of 10 ms in a process that does nothing else. Ends with its standard input, and then prints how late it was.
const lateness: number[] = [];
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  lateness.push(Math.max(0, now - last - 10));
  last = now;
}, 10);

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  lateness.sort((a, b) => a - b);
  process.stdout.write(`${(lateness[Math.floor(lateness.length * 0.99)] ?? 0).toFixed(2)}\n`);
});
