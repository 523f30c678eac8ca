import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

/**
 * With which data this process has worked, in a file of the home: neither the loss of Redis nor a restart makes it forget.
 * A person who removes the file makes it take what is there.
 */
export const epochFile = (home: string) => {
  const place = join(home, 'redis-epoch')
  return {
    place,
    recall: (): string | undefined => readPrivateFile(place)?.trim(),
    keep: (epoch: string): void => writePrivateFile(place, `${epoch}\n`),
  }
}
