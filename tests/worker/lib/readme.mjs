// The runnable parts of README.md: a shell block below `<!-- run: NAME -->`, and the answer block that may follow it.

import fs from 'node:fs';

const BLOCK = /<!-- run: ([a-z-]+) -->\s*```sh\n([\s\S]*?)```(?:\s*```(?:http|text)\n([\s\S]*?)```)?/g;

/** All marked blocks in order: `{ name, command, answer }`, where `answer` is a list of lines. */
export function runnableBlocks(file) {
  const found = fs.readFileSync(file, 'utf8').matchAll(BLOCK);
  return [...found].map(([, name, command, answer = '']) => ({ name, command: command.trim(), answer: answer.split('\n').filter((line) => line.trim() !== '') }));
}

/** The promised lines that an output lacks. An ellipsis stands for anything; the case of letters does not matter. */
export function brokenPromises(answer, output) {
  const lines = output.split('\n').map((line) => line.trim());
  return answer.filter((promised) => !lines.some((line) => pattern(promised).test(line)));
}

function pattern(promised) {
  const parts = promised.trim().split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i');
}
